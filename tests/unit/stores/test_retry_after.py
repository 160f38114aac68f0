"""What a server says in `Retry-After` is how long it is left alone, by a clock that the pauses move."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterator
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import boto3
import httpx
import pytest
from botocore.stub import Stubber

from supakeep.errors import StorageUnavailableError
from supakeep.ports import ObjectStore
from supakeep.retries import OUTAGE_SECONDS
from supakeep.stores.retrying import RetryingObjectStore
from supakeep.stores.s3 import S3ObjectStore
from supakeep.stores.supabase_storage import SupabaseObjectStore
from tests.unit.stores.test_outages import Machine, machine

__all__ = ["machine"]

KEY = "daily/backup_abc_2026-11-22.sql.json"
NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)

# makes a store that is busy once, and says so with this header
MakeStore = Callable[[str], ObjectStore]


def busy_storage(header: str) -> ObjectStore:
    answers = iter(
        [
            httpx.Response(503, text="busy", headers={"Retry-After": header}),
            httpx.Response(200, json={"Key": f"backups/{KEY}"}),
        ]
    )
    client = httpx.Client(transport=httpx.MockTransport(lambda _: next(answers)))
    return SupabaseObjectStore("http://storage", "sb_secret_key", "backups", client=client)


@pytest.fixture
def busy_s3() -> Iterator[MakeStore]:
    session: Any = boto3.Session("key-id", "key", region_name="us-east-1")
    client = session.client("s3")
    with Stubber(client) as stubber:

        def make(header: str) -> ObjectStore:
            headers = {"HTTPHeaders": {"retry-after": header}}
            stubber.add_client_error(
                "put_object", "SlowDown", http_status_code=503, response_meta=headers
            )
            stubber.add_response("put_object", {})
            return S3ObjectStore(client, "backups")

        yield make
    client.close()


@pytest.fixture(params=["storage", "s3"])
def make_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> MakeStore:
    class Now(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Now:
            return cls.fromtimestamp(NOW.timestamp(), tz)

    monkeypatch.setattr("supakeep.retries.dt", SimpleNamespace(datetime=Now))
    if request.param == "storage":
        return busy_storage
    make: MakeStore = request.getfixturevalue("busy_s3")
    return make


def in_seconds(seconds: int) -> str:
    return str(seconds)


def as_date(seconds: int) -> str:
    return format_datetime(NOW + dt.timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize("header", [in_seconds, as_date])
def test_a_busy_server_is_asked_again_when_it_said(
    header: Callable[[int], str], make_store: MakeStore, machine: Machine
) -> None:
    store = RetryingObjectStore(make_store(header(40)), sleep=machine.sleep)

    store.put(KEY, io.BytesIO(b"content"))

    assert machine.pauses == [pytest.approx(40)]


@pytest.mark.parametrize("header", [in_seconds, as_date])
def test_a_server_that_is_busy_for_longer_than_anybody_waits_is_given_up_at_once(
    header: Callable[[int], str], make_store: MakeStore, machine: Machine
) -> None:
    busy = make_store(header(OUTAGE_SECONDS + 1))
    store = RetryingObjectStore(busy, sleep=machine.sleep)

    with pytest.raises(StorageUnavailableError):
        store.put(KEY, io.BytesIO(b"content"))

    assert machine.pauses == []
