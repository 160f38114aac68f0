"""Many objects are deleted at once, and what stays is known with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.stub import Stubber

from supakeep.errors import ObjectLockedError, StorageError, StorageUnavailableError
from supakeep.stores.deletion import delete_each, delete_in_batches
from supakeep.stores.retrying import RetryingObjectStore
from supakeep.stores.s3 import S3ObjectStore
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEYS = [f"daily/backup_abc_2026-11-2{day}.sql.json" for day in range(1, 6)]
LOCKED = ObjectLockedError("locked", operation="delete")
DOWN = StorageUnavailableError("down", operation="delete")


def a_store() -> InMemoryObjectStore:
    store = InMemoryObjectStore()
    for key in KEYS:
        store.place(key, b"x")
    return store


def test_a_locked_object_keeps_none_of_the_others() -> None:
    store = a_store()
    locking = FailingObjectStore(store, "delete", nth=2, times=1, error=LOCKED)

    assert delete_each(locking.delete, KEYS) == {KEYS[1]: LOCKED}
    assert list(store.objects) == [KEYS[1]]


def test_after_any_other_failure_the_rest_counts_as_left() -> None:
    store = a_store()
    failing = FailingObjectStore(store, "delete", nth=3, error=DOWN)

    assert delete_each(failing.delete, KEYS) == dict.fromkeys(KEYS[2:], DOWN)
    assert list(store.objects) == KEYS[2:]


def test_a_batch_that_fails_and_all_after_it_count_as_left() -> None:
    asked: list[int] = []

    def delete_batch(keys: Sequence[str]) -> dict[str, StorageError]:
        asked.append(len(keys))
        if len(asked) == 2:
            raise DOWN
        return {keys[0]: LOCKED}

    keys = [str(number) for number in range(3500)]

    left = delete_in_batches(delete_batch, keys)

    assert asked == [1000, 1000]
    assert left == {keys[0]: LOCKED, **dict.fromkeys(keys[1000:], DOWN)}


def test_only_what_is_left_is_tried_again() -> None:
    store = a_store()
    failing = FailingObjectStore(store, "delete", nth=3, times=2, error=DOWN)

    left = RetryingObjectStore(failing, first_pause_seconds=0).delete_all(KEYS)

    assert left == {}
    assert store.objects == {}


def test_a_lock_is_not_tried_again_and_what_stays_down_is_given_up() -> None:
    store = a_store()
    locking = FailingObjectStore(store, "delete", error=LOCKED, key_part=KEYS[0])
    failing = FailingObjectStore(locking, "delete", error=DOWN, key_part=KEYS[4])
    pauses: list[float] = []

    retrying = RetryingObjectStore(failing, give_up_after_seconds=0, sleep=pauses.append)

    assert retrying.delete_all(KEYS) == {KEYS[0]: LOCKED, KEYS[4]: DOWN}
    assert list(store.objects) == [KEYS[0], KEYS[4]]


def test_what_s3_refuses_of_a_batch_is_asked_about_by_itself(client: S3Client) -> None:
    answer = {"Errors": [{"Key": f"p/{KEYS[1]}", "Code": "AccessDenied", "Message": ""}]}
    with Stubber(client) as server:
        objects = [{"Key": f"p/{key}"} for key in KEYS]
        expected = {"Bucket": "copies", "Delete": {"Objects": objects, "Quiet": True}}
        server.add_response("delete_objects", answer, expected)
        server.add_client_error("delete_object", "AccessDenied", "", 403)
        server.add_response("head_object", {"ObjectLockLegalHoldStatus": "ON"})

        left = S3ObjectStore(client, "copies", prefix="p").delete_all(KEYS)

    assert left.keys() == {KEYS[1]}
    assert left[KEYS[1]].message == f"{KEYS[1]} in mirror is locked by a legal hold"


def test_a_server_that_may_not_know_batches_is_asked_one_by_one(client: S3Client) -> None:
    with Stubber(client) as server:
        for _ in KEYS:
            server.add_response("delete_object", {})

        assert S3ObjectStore(client, "copies", is_compatible=True).delete_all(KEYS) == {}

        server.assert_no_pending_responses()
