"""How the store of a copy is reached: its endpoint, region, credentials and role."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from moto import mock_aws
from pydantic import SecretStr

from supakeep.domain.copy_policy import CopyPolicy
from supakeep.errors import StorageError
from supakeep.wiring.places import copy_store
from tests.builders.lambda_events import settings

KEY = "daily/backup_jewelshot_2026-11-22.sql.json"
NAMED: dict[str, Any] = {"access_key_id": "COPY_R2_KEY_ID", "secret_access_key": "COPY_R2_KEY"}
CREDENTIALS = {"COPY_R2_KEY_ID": SecretStr("r2-key-id"), "COPY_R2_KEY": SecretStr("r2-key")}


@pytest.fixture(autouse=True)
def _own_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "own-key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own-key")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)


def link(credentials: dict[str, SecretStr] = CREDENTIALS, **fields: Any) -> tuple[str, str]:
    """The address of an object in the copy, and the scope that it is signed for."""
    copy = CopyPolicy(name="r2", url="s3://my-backups/nightly", **fields)
    store = copy_store(copy, settings(copy_credentials=credentials))
    url = urlsplit(store.signed_url(KEY, 60))
    return f"{url.scheme}://{url.netloc}{url.path}", parse_qs(url.query)["X-Amz-Credential"][0]


def test_an_endpoint_is_reached_by_path_with_the_named_credentials() -> None:
    address, scope = link(endpoint="https://account.example.com", region="auto", **NAMED)

    assert address == f"https://account.example.com/my-backups/nightly/{KEY}"
    assert scope.startswith("r2-key-id/")
    assert scope.endswith("/auto/s3/aws4_request")


def test_without_credentials_of_its_own_the_functions_are_used() -> None:
    _, scope = link({}, endpoint="http://localhost:9000")

    assert scope.startswith("own-key-id/")


@mock_aws
def test_another_region_of_aws_has_its_own_host() -> None:
    boto3.client("s3", region_name="eu-west-1").create_bucket(
        Bucket="my-backups", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )

    address, scope = link(region="eu-west-1")

    assert address == f"https://my-backups.s3.eu-west-1.amazonaws.com/nightly/{KEY}"
    assert scope.endswith("/eu-west-1/s3/aws4_request")


@mock_aws
def test_another_account_is_reached_through_its_role() -> None:
    boto3.client("s3").create_bucket(
        Bucket="my-backups", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )

    _, scope = link(role_arn="arn:aws:iam::210987654321:role/backups")

    assert scope.startswith("ASIA")  # a key of a session


def test_what_is_missing_is_said_by_each_call_of_this_store_only() -> None:
    copy = CopyPolicy(name="r2", url="s3://my-backups", **NAMED)
    store = copy_store(copy, settings())

    for call in (lambda: store.put(KEY, None), lambda: store.list(""), lambda: store.read(KEY)):  # type: ignore[arg-type]
        with pytest.raises(StorageError, match="COPY_R2_KEY_ID is not set") as refused:
            call()
        assert refused.value.hint is not None


def test_a_folder_is_no_copy_of_a_function() -> None:
    copy = CopyPolicy(name="disk", url="/mnt/backups")

    with pytest.raises(StorageError, match="a function's disk does not last"):
        copy_store(copy, settings()).list("")
