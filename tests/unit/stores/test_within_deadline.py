from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from supakeep.errors import DeadlineExceededError
from supakeep.ports import ObjectStore, StoredObject
from supakeep.stores.within_deadline import ObjectStoreWithinDeadline
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import ExpiringDeadline

CALLS: dict[str, Callable[[ObjectStore], object]] = {
    "require_private": lambda store: store.require_private(),
    "put": lambda store: store.put("daily/b", io.BytesIO(b"x")),
    "read": lambda store: store.read("daily/a"),
    "list": lambda store: list(store.list("daily/")),
    "delete": lambda store: store.delete("daily/a"),
    "signed_url": lambda store: store.signed_url("daily/a", 60),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_call_begins_once_the_time_is_up(call: Callable[[ObjectStore], object]) -> None:
    store = InMemoryObjectStore()
    store.put("daily/a", io.BytesIO(b"a"))
    before = dict(store.objects)

    with pytest.raises(DeadlineExceededError):
        call(ObjectStoreWithinDeadline(store, ExpiringDeadline(0)))

    assert store.objects == before


def test_a_long_listing_ends_when_the_time_is_up() -> None:
    store = InMemoryObjectStore()
    for number in range(9):
        store.put(f"daily/{number}", io.BytesIO(b"x"))
    seen: list[StoredObject] = []

    with pytest.raises(DeadlineExceededError):
        seen.extend(ObjectStoreWithinDeadline(store, ExpiringDeadline(5)).list("daily/"))

    assert len(seen) < 9
