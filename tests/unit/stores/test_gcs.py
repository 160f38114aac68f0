"""What the emulator of Google Cloud Storage does not have: keys that sign, refusals, locks."""

from __future__ import annotations

import datetime as dt
import io
import json
import sys
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core import exceptions
from pydantic import SecretStr

from supakeep.domain.copy_policy import CopyPolicy
from supakeep.errors import (
    BucketNotFoundError,
    ConfigurationError,
    ObjectAlreadyExistsError,
    ObjectLockedError,
    ObjectNotFoundError,
    StorageError,
    StoragePermissionError,
    StorageUnavailableError,
)
from supakeep.stores.gcs import GcsObjectStore
from supakeep.wiring.google import gcs_client
from supakeep.wiring.places import copy_store
from tests.builders.lambda_events import settings

google = cast(Any, exceptions)
KEY = "daily/backup_jewelshot_2026-11-22.sql.json"
COPY = CopyPolicy(name="google", url="gs://my-backups/nightly", credentials="COPY_GCS")


@pytest.fixture(scope="module")
def service_account() -> str:
    """The key of a service account that nobody has."""
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "acme",
            "private_key": pem.decode(),
            "client_email": "supakeep@acme.iam.gserviceaccount.com",
            "token_uri": "https://oauth2.googleapis.com/token",
        }
    )


def store_of(key: str) -> Any:
    return copy_store(COPY, settings(copy_credentials={"COPY_GCS": SecretStr(key)}))


def test_a_service_accounts_key_signs_addresses(service_account: str) -> None:
    url = store_of(service_account).signed_url(KEY, 60)

    assert url.startswith(f"https://storage.googleapis.com/my-backups/nightly/{KEY}?")
    assert "X-Goog-Expires=60" in url
    assert "response-content-disposition=attachment" in url


@pytest.mark.parametrize("key", ["no JSON, but s3cr3t", "[]", '{"private_key": "s3cr3t"}'])
def test_what_is_no_key_is_an_error_of_this_copy_and_is_not_shown(key: str) -> None:
    with pytest.raises(StorageError, match="are not a service account's key") as refused:
        store_of(key).put(KEY, io.BytesIO())

    assert "s3cr3t" not in f"{refused.value} {refused.value.hint}"


def test_without_the_library_the_error_says_what_to_install(
    service_account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "supakeep.wiring.google", None)

    with pytest.raises(StorageError, match="needs google-cloud-storage") as refused:
        store_of(service_account).list("")

    assert "supakeep[gcs]" in (refused.value.hint or "")


def test_no_credentials_at_all_are_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")

    with pytest.raises(ConfigurationError, match="There are no credentials"):
        gcs_client(None)


class Answering:
    """A client, a bucket and a blob in one, whose every request ends in `error`."""

    name = "my-backups"
    temporary_hold = event_based_hold = False
    retention_expiration_time: dt.datetime | None = None

    def __init__(self, error: Exception) -> None:
        self.error = error

    def bucket(self, name: str) -> Answering:  # noqa: ARG002
        return self

    def blob(self, name: str) -> Answering:  # noqa: ARG002
        return self

    def list_blobs(self, *_: Any, **__: Any) -> Any:
        raise self.error

    upload_from_file = delete = list_blobs

    def reload(self, **_: Any) -> None:
        """The object can be asked for all the same."""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (google.NotFound("x"), BucketNotFoundError),
        (google.PreconditionFailed("x"), ObjectAlreadyExistsError),
        (google.Forbidden("x"), StoragePermissionError),
        (google.Unauthorized("x"), StoragePermissionError),
        (google.TooManyRequests("x"), StorageUnavailableError),
        (google.ServiceUnavailable("x"), StorageUnavailableError),
        (google.BadRequest("x"), StorageError),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_refusal_is_ours_by_its_code(error: Exception, kind: type[Exception]) -> None:
    store = GcsObjectStore(Answering(error), "my-backups", name="google")

    with pytest.raises(kind) as refused:
        store.put(KEY, io.BytesIO(b"x"))

    assert type(refused.value) is kind


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (
            {"retention_expiration_time": dt.datetime(2027, 1, 31, 3, 4, tzinfo=dt.UTC)},
            "still locked until 2027-01-31 03:04 UTC",
        ),
        ({"temporary_hold": True}, "locked by a hold"),
    ],
)
def test_a_deletion_that_a_retention_forbids_says_until_when(
    fields: dict[str, Any], why: str
) -> None:
    client = Answering(google.Forbidden("x"))
    for name, value in fields.items():
        setattr(client, name, value)

    with pytest.raises(ObjectLockedError) as locked:
        GcsObjectStore(client, "my-backups", name="google").delete(KEY)

    assert locked.value.message == f"{KEY} in google is {why}"


def test_a_deletion_that_is_refused_for_another_reason_stays_a_refusal() -> None:
    store = GcsObjectStore(Answering(google.Forbidden("x")), "my-backups", name="google")

    with pytest.raises(StoragePermissionError):
        store.delete(KEY)


class Shrinking(Answering):
    """An object of which a range comes empty."""

    size, generation = 10, 1

    def __init__(self) -> None:
        super().__init__(google.NotFound("x"))

    def download_as_bytes(self, **_: Any) -> bytes:
        return b""


def test_a_download_that_ends_early_is_an_error() -> None:
    store = GcsObjectStore(Shrinking(), "my-backups", name="google")

    with (
        pytest.raises(StorageUnavailableError, match="ended after 0 of 10 bytes"),
        store.read(KEY) as pieces,
    ):
        list(pieces)


def test_a_missing_object_is_known_by_its_download() -> None:
    missing = Answering(google.NotFound("x"))
    cast(Any, missing).reload = missing.list_blobs

    with (
        pytest.raises(ObjectNotFoundError),
        GcsObjectStore(missing, "my-backups", name="google").read(KEY),
    ):
        pass
