"""Objects that a store keeps for a time, whoever asks."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber
from moto import mock_aws

from supakeep.errors import ObjectLockedError, ObjectNotFoundError, StoragePermissionError
from supakeep.stores.s3 import S3ObjectStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "daily/backup_jewelshot_2026-11-22.sql.json"
UNTIL = dt.datetime(2027, 1, 31, 3, 4, tzinfo=dt.UTC)


@pytest.fixture
def server(client: S3Client) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        stubber.add_client_error("delete_object", "AccessDenied", "", 403)
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("lock", "why"),
    [
        ({"ObjectLockRetainUntilDate": UNTIL}, "still locked until 2027-01-31 03:04 UTC"),
        ({"ObjectLockLegalHoldStatus": "ON"}, "locked by a legal hold"),
    ],
)
def test_a_refused_deletion_says_until_when_the_object_is_locked(
    client: S3Client, server: Stubber, lock: dict[str, Any], why: str
) -> None:
    server.add_response("head_object", lock)

    with pytest.raises(ObjectLockedError) as refused:
        S3ObjectStore(client, "copies", name="mirror").delete(KEY)

    assert refused.value.message == f"{KEY} in mirror is {why}"


@pytest.mark.parametrize("can_read", [True, False])
def test_a_deletion_that_is_refused_for_another_reason_stays_a_refusal(
    client: S3Client, server: Stubber, *, can_read: bool
) -> None:
    if can_read:
        server.add_response("head_object", {})
    else:
        server.add_client_error("head_object", "403", "", 403)

    with pytest.raises(StoragePermissionError):
        S3ObjectStore(client, "copies").delete(KEY)


@mock_aws
def test_in_a_bucket_with_a_lock_the_object_is_hidden_and_its_version_kept(
    client: S3Client,
) -> None:
    client.create_bucket(Bucket="copies", ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}
    client.put_object_lock_configuration(
        Bucket="copies",
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule},  # type: ignore[typeddict-item]
    )
    store = S3ObjectStore(client, "copies")
    store.put(KEY, io.BytesIO(b"the first"))

    store.delete(KEY)

    assert list(store.list("daily/")) == []
    with pytest.raises(ObjectNotFoundError), store.read(KEY):
        pass
    [version] = client.list_object_versions(Bucket="copies")["Versions"]
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.delete_object(Bucket="copies", Key=KEY, VersionId=version["VersionId"])
    # `supakeep copy` may write the object again
    store.put(KEY, io.BytesIO(b"the second"))


@mock_aws
def test_an_erased_object_whose_version_is_locked_is_named_with_the_time(client: S3Client) -> None:
    client.create_bucket(Bucket="copies", ObjectLockEnabledForBucket=True)
    store = S3ObjectStore(client, "copies")
    client.put_object(
        Bucket="copies",
        Key=KEY,
        Body=b"rows",
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=UNTIL,
    )

    left = store.erase_all([KEY])

    assert list(store.list("daily/")) == []
    assert isinstance(left[KEY], ObjectLockedError)
    assert "still locked until 2027-01-31 03:04 UTC" in left[KEY].message


@mock_aws
def test_an_object_is_erased_with_each_of_its_versions_and_no_other(client: S3Client) -> None:
    client.create_bucket(Bucket="copies")
    client.put_bucket_versioning(Bucket="copies", VersioningConfiguration={"Status": "Enabled"})
    store = S3ObjectStore(client, "copies")
    for content in (b"the first", b"the second"):
        store.replace(KEY, io.BytesIO(content))
    store.put(f"{KEY}.001", io.BytesIO(b"another"))

    assert store.erase_all([KEY]) == {}

    listed = client.list_object_versions(Bucket="copies")
    assert [version["Key"] for version in listed["Versions"]] == [f"{KEY}.001"]
    assert "DeleteMarkers" not in listed
