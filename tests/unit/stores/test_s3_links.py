"""Links to objects in S3, of buckets that moto holds within this process."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from moto import mock_aws

from supakeep.wiring import s3_store

KEY = "daily/backup_abc_2026-11-22.sql.json"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _aws(_credentials: None) -> Iterator[None]:
    with mock_aws():
        yield


@pytest.mark.parametrize(
    ("region", "domain"),
    [
        ("eu-central-1", "amazonaws.com"),
        ("us-east-1", "amazonaws.com"),
        ("ap-southeast-5", "amazonaws.com"),
        ("cn-north-1", "amazonaws.com.cn"),
    ],
)
def test_a_link_names_the_buckets_host_in_its_region(
    region: str, domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", region)
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    make_bucket("my-backups", region)

    url = s3_store("my-backups", "mirror").signed_url(KEY, 60)

    assert_names_bucket(url, region, domain)


@pytest.mark.parametrize(
    ("of_bucket", "of_function"),
    [
        ("eu-central-1", "us-east-1"),
        ("us-east-1", "eu-central-1"),
        ("us-west-2", "ap-southeast-5"),
    ],
)
def test_a_link_names_the_region_of_a_bucket_that_is_in_another_one(
    of_bucket: str, of_function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", of_function)
    monkeypatch.setenv("AWS_DEFAULT_REGION", of_function)
    make_bucket("my-backups", of_bucket)
    store = s3_store("my-backups", "mirror")
    store.put(KEY, io.BytesIO(b"rows"))

    url = store.signed_url(KEY, 60)

    assert_names_bucket(url, of_bucket, "amazonaws.com")
    assert store.signed_url(KEY, 60).partition("?")[0] == url.partition("?")[0]
    with store.read(KEY) as pieces:
        assert b"".join(pieces) == b"rows"


def make_bucket(name: str, region: str) -> None:
    client = boto3.client("s3", region_name=region)
    if region == "us-east-1":
        client.create_bucket(Bucket=name)
    else:
        place: Any = {"LocationConstraint": region}
        client.create_bucket(Bucket=name, CreateBucketConfiguration=place)


def assert_names_bucket(link: str, region: str, domain: str) -> None:
    url = urlsplit(link)
    assert (url.scheme, url.hostname) == ("https", f"my-backups.s3.{region}.{domain}")
    assert url.path == f"/{KEY}"
    signed = parse_qs(url.query)
    assert signed["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert signed["X-Amz-Credential"][0].split("/")[2:] == [region, "s3", "aws4_request"]
    assert signed["X-Amz-Expires"] == ["60"]


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:5000", "http://localhost:9000", "https://minio.example.com"]
)
def test_a_server_of_ones_own_keeps_its_host_and_has_the_bucket_in_the_path(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)

    url = s3_store("my-backups", "mirror").signed_url(KEY, 60)

    assert url.startswith(f"{endpoint}/my-backups/{KEY}?")
    assert parse_qs(urlsplit(url).query)["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
