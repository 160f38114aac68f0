"""Links to objects in S3: they are signed without a call, so a unit test can read them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from supakeep.wiring import s3_store

KEY = "daily/backup_abc_2026-11-22.sql.json"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)


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

    url = urlsplit(s3_store("my-backups", "mirror").signed_url(KEY, 60))

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
