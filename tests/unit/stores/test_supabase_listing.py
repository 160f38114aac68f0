"""A listing of Storage in pages, while objects come and go."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supakeep.errors import StoragePermissionError, StorageUnavailableError
from supakeep.stores.supabase_storage import SupabaseObjectStore
from tests.fakes.storage_server import URL, InMemoryStorageServer

PREFIX = "daily/backup_abc_2026-11-22.sql.json."
Meanwhile = list[list[int]]


def served(count: int, *, has_cursor: bool, page_size: int = 100) -> InMemoryStorageServer:
    server = InMemoryStorageServer(has_cursor=has_cursor, page_size=page_size)
    server.objects = {f"{PREFIX}{number:03d}": b"12345" for number in range(count)}
    return server


def keys_in(server: InMemoryStorageServer) -> list[str]:
    return [stored.key for stored in server.store().list("daily/backup_abc_")]


@pytest.mark.parametrize("has_cursor", [True, False])
@pytest.mark.parametrize("page_size", [100, 30, 2])
@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_every_page_is_read(count: int, page_size: int, has_cursor: bool) -> None:
    server = served(count, has_cursor=has_cursor, page_size=page_size)

    assert keys_in(server) == list(server.objects)


@pytest.mark.parametrize("has_cursor", [True, False])
def test_an_entry_has_size_and_time(has_cursor: bool) -> None:
    [stored] = served(1, has_cursor=has_cursor).store().list("daily/")

    assert stored.size_bytes == 5
    assert stored.modified_at.isoformat() == "2026-11-22T03:00:05.123000+00:00"


def removing(server: InMemoryStorageServer, rounds: Meanwhile) -> Callable[[], None]:
    """After each page, removes the objects of the next round."""
    left = [list(numbers) for numbers in rounds]

    def after_page() -> None:
        for number in left.pop(0) if left else ():
            server.objects.pop(f"{PREFIX}{number:03d}", None)

    return after_page


@pytest.mark.parametrize("has_cursor", [True, False])
@given(rounds=st.lists(st.lists(st.integers(0, 249), max_size=120), max_size=8))
def test_what_is_deleted_between_two_pages_hides_nothing_else(
    has_cursor: bool, rounds: Meanwhile
) -> None:
    server = served(250, has_cursor=has_cursor)
    server.after_page = removing(server, rounds)

    listed = keys_in(server)

    assert set(server.objects) <= set(listed)
    assert listed == sorted(set(listed))


@pytest.mark.parametrize("page_size", [7, 30])
def test_deletions_hide_nothing_where_pages_are_smaller_than_asked_for(page_size: int) -> None:
    server = served(250, has_cursor=False, page_size=page_size)
    server.after_page = removing(server, [[n] for n in range(200)])

    listed = keys_in(server)

    assert set(server.objects) <= set(listed)


@pytest.mark.parametrize("has_cursor", [True, False])
def test_what_comes_meanwhile_makes_no_entry_twice(has_cursor: bool) -> None:
    server = served(250, has_cursor=has_cursor)
    before = set(server.objects)
    new = iter(range(1000))

    def add_in_front() -> None:
        server.objects[f"daily/backup_abc_2026-01-01.sql.json.{next(new):03d}"] = b"x"

    server.after_page = add_in_front
    listed = keys_in(server)

    assert before <= set(listed)
    assert len(listed) == len(set(listed))


def over(answer: Callable[[httpx.Request], httpx.Response]) -> SupabaseObjectStore:
    client = httpx.Client(transport=httpx.MockTransport(answer), base_url=URL)
    return SupabaseObjectStore(URL, "sb_secret_x", "backups", client=client)


@pytest.mark.parametrize(
    ("status", "expected"), [(503, StorageUnavailableError), (403, StoragePermissionError)]
)
def test_a_server_that_fails_is_not_taken_for_one_without_cursors(
    status: int, expected: type[Exception]
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(status, text="no")

    with pytest.raises(expected):
        list(over(answer).list("daily/"))

    assert asked == ["/storage/v1/object/list-v2/backups"]


@pytest.mark.parametrize(
    "second", [{"nextCursor": "one"}, {"nextCursor": None}, {}], ids=["same", "null", "none"]
)
def test_a_listing_that_does_not_get_on_is_a_failure(second: dict[str, str | None]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        cursor = json.loads(request.read()).get("cursor")
        following = second if cursor else {"nextCursor": "one"}
        return httpx.Response(200, json={"hasNext": True, "objects": [], **following})

    with pytest.raises(StorageUnavailableError):
        list(over(answer).list("daily/"))
