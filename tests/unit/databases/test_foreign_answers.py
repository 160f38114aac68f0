"""Answers of 200 that are not the server's: a proxy's page, a captive portal, another service."""

from __future__ import annotations

import io
from collections.abc import Callable

import httpx
import pytest

from supakeep.databases.data_api.database import SupabaseRestDatabase
from supakeep.errors import DatabaseUnavailableError, StorageUnavailableError
from supakeep.stores.supabase_storage import SupabaseObjectStore
from tests.builders.rest_calls import FOUR_ATTEMPTS, RestCalls
from tests.builders.tables import a_selection, a_table

URL = "https://abc.supabase.co"
KEY = "daily/backup_abc_2026-11-22.sql.json"
ORDERS = a_table("orders")

PAGE = b"<html><title>Sign in to the network</title></html>"
FOREIGN = {
    "a page": PAGE,
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a number": b"7",
    "a text": b'"ok"',
    "cut": b'{"Key": "back',
    "no utf-8": b"\x80\x81",
    "a byte order mark": b"\xff\xfe",
}


def answering(content: bytes) -> httpx.Client:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=content))
    return httpx.Client(transport=transport, base_url=URL)


def store_over(content: bytes) -> SupabaseObjectStore:
    return SupabaseObjectStore(URL, "sb_secret_x", "backups", client=answering(content))


def database_over(content: bytes) -> RestCalls:
    client = answering(content)
    database = SupabaseRestDatabase(URL, "sb_secret_x", client=client, retries=FOUR_ATTEMPTS)
    return RestCalls(database)


OTHER_OBJECTS = {
    "another key": b'{"Key": "backups/daily/backup_abc_2026-11-21.sql.json"}',
    "another bucket": f'{{"Key": "public/{KEY}"}}'.encode(),
    "no bucket": f'{{"Key": "{KEY}"}}'.encode(),
    "no key": b'{"Key": null}',
    "no field": b"{}",
}


@pytest.mark.parametrize("content", [*FOREIGN.values(), *OTHER_OBJECTS.values()])
def test_an_upload_counts_only_when_storage_names_the_object(content: bytes) -> None:
    with pytest.raises(StorageUnavailableError) as failed:
        store_over(content).put(KEY, io.BytesIO(b"x"))

    assert failed.value.retryable
    assert failed.value.key == KEY


# an empty list is one: the bucket is asked for then, and its answer is no list
@pytest.mark.parametrize("content", [*FOREIGN.values(), b"{}", b"[null]", b"[[]]", b'["x"]'])
def test_a_listing_that_is_none_is_never_taken_for_an_empty_store(content: bytes) -> None:
    with pytest.raises(StorageUnavailableError):
        list(store_over(content).list("daily/"))


@pytest.mark.parametrize("content", [*FOREIGN.values(), b"{}", b'{"signedURL": null}'])
def test_an_address_that_storage_did_not_sign_is_none(content: bytes) -> None:
    with pytest.raises(StorageUnavailableError):
        store_over(content).signed_url(KEY, 60)


ASK: dict[str, Callable[[RestCalls], object]] = {
    "catalog": lambda database: database.catalog(),
    "count": lambda database: database.count(a_selection(ORDERS)),
    "export": lambda database: list(database.export(a_selection(ORDERS))),
    "upsert": lambda database: database.upsert(ORDERS, ["id"], [b'{"id":1}'], dry_run=False),
    "sequences": lambda database: database.advance_sequences(ORDERS),
}


@pytest.mark.parametrize("operation", ASK)
@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_an_answer_that_is_not_the_databases_is_worth_another_attempt(
    content: bytes, operation: str
) -> None:
    with pytest.raises(DatabaseUnavailableError, match="The database did not answer") as failed:
        ASK[operation](database_over(content))

    assert failed.value.retryable
    assert "Sign in" not in failed.value.message


def test_last_rows_of_a_proxys_page_are_not_all_rows() -> None:
    """Where the last N rows begin may be null, and no page is."""
    selection = a_selection(ORDERS, last_rows=5, order_by="id")

    for content in (b"null", PAGE):
        with pytest.raises(DatabaseUnavailableError):
            list(database_over(content).export(selection))
