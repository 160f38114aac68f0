"""Servers that speak as S3 does, and do not know all of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import ANY, Stubber

from supakeep.errors import ObjectAlreadyExistsError, StoragePermissionError
from supakeep.stores.s3 import S3ObjectStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "daily/backup_jewelshot_2026-11-22.sql.json"
AT = {"Bucket": "copies", "Key": f"nightly/{KEY}"}
# as `printf content | openssl md5 -binary | base64` has it
MD5 = "mgNkuembtIDdJeHwKEyFVQ=="


@pytest.fixture
def server(client: S3Client) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def store(client: S3Client) -> S3ObjectStore:
    return S3ObjectStore(client, "copies", prefix="nightly", is_compatible=True)


def expect_put(server: Stubber, error: tuple[str, int] | None = None, **further: str) -> None:
    sent: dict[str, Any] = {"Body": ANY, "ContentType": "application/json", "ContentMD5": MD5}
    if error is None:
        server.add_response("put_object", {}, {**AT, **sent, **further})
    else:
        code, status = error
        server.add_client_error(
            "put_object", code, "", status, expected_params={**AT, **sent, **further}
        )


def test_the_content_is_sent_with_its_md5_where_the_key_is_free(
    server: Stubber, store: S3ObjectStore
) -> None:
    server.add_client_error("head_object", "404", "", 404, expected_params=AT)
    expect_put(server, IfNoneMatch="*")

    store.put(KEY, io.BytesIO(b"content"))


def test_a_server_that_does_not_know_conditions_is_asked_without(
    server: Stubber, store: S3ObjectStore
) -> None:
    server.add_client_error("head_object", "404", "", 404, expected_params=AT)
    expect_put(server, ("NotImplemented", 501), IfNoneMatch="*")
    expect_put(server)

    store.put(KEY, io.BytesIO(b"content"))


def test_a_key_that_is_taken_is_not_written_to(server: Stubber, store: S3ObjectStore) -> None:
    server.add_response("head_object", {}, AT)

    with pytest.raises(ObjectAlreadyExistsError):
        store.put(KEY, io.BytesIO(b"content"))


def test_a_key_that_may_not_be_asked_for_is_not_written_to(
    server: Stubber, store: S3ObjectStore
) -> None:
    server.add_client_error("head_object", "403", "", 403, expected_params=AT)

    with pytest.raises(StoragePermissionError):
        store.put(KEY, io.BytesIO(b"content"))
