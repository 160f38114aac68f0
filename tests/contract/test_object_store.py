"""What every object store does: the ports' contract over all adapters, the fake included."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from supakeep.archive.verified_store import VerifiedObjectStore
from supakeep.errors import (
    BucketNotFoundError,
    InvalidRequestError,
    ObjectAlreadyExistsError,
    ObjectNotFoundError,
    StorageUnavailableError,
)
from supakeep.ports import ObjectStore
from supakeep.stores.folder import FolderObjectStore
from supakeep.stores.gcs import GcsObjectStore
from supakeep.stores.remembering import ManifestMemory, RememberingObjectStore
from supakeep.stores.retrying import RetryingObjectStore
from supakeep.stores.s3 import S3ObjectStore
from supakeep.stores.within_deadline import ObjectStoreWithinDeadline
from supakeep.system import NoLease
from supakeep.usecases.leased_store import LeasedObjectStore
from supakeep.usecases.patient_store import PatientObjectStore
from tests.builders.signing import KEYRING
from tests.contract.adapters import STORES
from tests.contract.conftest import MakeStorage, each_of
from tests.contract.exporting import read
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NeverExpires

MakeStore = Callable[[str], ObjectStore]


def retrying(store: ObjectStore) -> ObjectStore:
    flaky = FailingObjectStore(FailingObjectStore(store, "put", times=1), "list", times=2)
    return RetryingObjectStore(flaky, first_pause_seconds=0)


# what stands over a store in memory
IN_MEMORY: dict[str, Callable[[InMemoryObjectStore], ObjectStore]] = {
    "in_memory": lambda store: store,
    "within_deadline": lambda store: ObjectStoreWithinDeadline(store, NeverExpires()),
    "leased": lambda store: LeasedObjectStore(store, NoLease()),
    "remembering": lambda store: RememberingObjectStore(store, ManifestMemory()),
    "verified": lambda store: VerifiedObjectStore(store, KEYRING),
    "patient": lambda store: PatientObjectStore(store, 60),
    "retrying": retrying,
}


@pytest.fixture(params=each_of(STORES))
def adapter(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def store_named(adapter: str, request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """Makes a store over a bucket of this name, whether there is such a bucket or not."""

    def make(bucket: str) -> ObjectStore:
        if adapter in IN_MEMORY:
            store = InMemoryObjectStore(piece_bytes=65536)
            store.has_bucket = bucket != "missing"
            return IN_MEMORY[adapter](store)
        if adapter == "folder":
            return FolderObjectStore(tmp_path / bucket)
        if adapter == "s3":
            return S3ObjectStore(request.getfixturevalue("s3"), bucket)
        if adapter == "s3_compatible":
            client = request.getfixturevalue("s3")
            return S3ObjectStore(client, bucket, prefix="a/prefix", is_compatible=True)
        if adapter == "gcs":
            client = request.getfixturevalue("gcs")
            return GcsObjectStore(client, bucket, name="google", prefix="a/prefix")
        storage: MakeStorage = request.getfixturevalue("storage")
        return storage(bucket=bucket)

    return make


@pytest.fixture
def store(store_named: MakeStore, tmp_path: Path) -> ObjectStore:
    """A store over a bucket that exists."""
    (tmp_path / "backups").mkdir()
    return store_named("backups")


def test_the_store_is_the_adapter_that_the_id_names(adapter: str, store: ObjectStore) -> None:
    assert type(store) is STORES[adapter]


def test_a_private_store_is_taken(store: ObjectStore) -> None:
    store.require_private()


def test_a_bucket_that_is_missing_is_known_before_a_backup(
    adapter: str, store_named: MakeStore
) -> None:
    missing = store_named("missing")
    if adapter == "folder":
        missing.require_private()  # the first upload makes it
    else:
        with pytest.raises(BucketNotFoundError):
            missing.require_private()


@pytest.mark.parametrize(
    "content",
    [b"", b"x", bytes(range(256)), b"\r\n\x00--boundary\r\n", b"0123456789abcde\n" * 98_304],
    ids=["empty", "one byte", "every byte", "like multipart", "1.5 MiB"],
)
def test_what_was_put_is_read_back(store: ObjectStore, key: str, content: bytes) -> None:
    store.put(key, io.BytesIO(content))

    assert read(store, key) == content


def test_a_file_on_disk_can_be_put(store: ObjectStore, key: str, tmp_path: Path) -> None:
    path = tmp_path / "volume"
    path.write_bytes(b"from a file" * 1000)

    with path.open("rb") as file:
        store.put(key, file)

    assert read(store, key) == b"from a file" * 1000


def test_what_replaces_an_object_is_read_in_its_place(store: ObjectStore, key: str) -> None:
    store.put(key, io.BytesIO(b"the first, which is longer"))

    store.replace(key, io.BytesIO(b"the second"))

    assert read(store, key) == b"the second"


def test_what_is_not_there_yet_can_be_replaced_too(store: ObjectStore, key: str) -> None:
    store.replace(key, io.BytesIO(b"the first"))

    assert read(store, key) == b"the first"


def test_nothing_is_replaced_in_a_bucket_that_does_not_exist(
    adapter: str, store_named: MakeStore, key: str
) -> None:
    missing = store_named("missing")
    if adapter == "folder":
        missing.replace(key, io.BytesIO(b"x"))  # the first object makes it
        assert read(missing, key) == b"x"
    else:
        with pytest.raises(BucketNotFoundError):
            missing.replace(key, io.BytesIO(b"x"))


def test_what_was_erased_is_gone_and_nothing_else(store: ObjectStore, prefix: str) -> None:
    for name in ("a", "a.001", "b"):
        store.put(f"{prefix}{name}", io.BytesIO(b"x"))

    assert store.erase_all([f"{prefix}a", f"{prefix}c"]) == {}

    assert [found.key for found in store.list(prefix)] == [f"{prefix}a.001", f"{prefix}b"]


@pytest.mark.parametrize("size", [0, 1, 1_500_000])
def test_a_spool_that_was_filled_can_be_put(store: ObjectStore, key: str, size: int) -> None:
    with store.spool(f"{key}.other") as spool:
        spool.write(b"x" * size)
        spool.seek(0)
        store.put(key, spool)
        # the mirror gets it after the primary
        spool.seek(0)
        assert spool.read() == b"x" * size

    assert read(store, key) == b"x" * size


def test_a_spool_does_not_overwrite_an_object_either(store: ObjectStore, key: str) -> None:
    store.put(key, io.BytesIO(b"the first"))

    with store.spool(key) as spool:
        spool.write(b"the second")
        spool.seek(0)
        with pytest.raises(ObjectAlreadyExistsError):
            store.put(key, spool)

    assert read(store, key) == b"the first"


def test_a_spool_that_is_not_put_is_no_object(store: ObjectStore, key: str, prefix: str) -> None:
    with store.spool(key) as spool:
        spool.write(b"x" * 100_000)
        assert list(store.list(prefix)) == []

    assert list(store.list(prefix)) == []


def test_a_key_that_is_taken_is_never_overwritten(store: ObjectStore, key: str) -> None:
    store.put(key, io.BytesIO(b"the first"))

    with pytest.raises(ObjectAlreadyExistsError) as refused:
        store.put(key, io.BytesIO(b"the second"))

    assert refused.value.key == key
    assert read(store, key) == b"the first"


def test_of_many_writers_of_one_key_exactly_one_wins(
    adapter: str, store: ObjectStore, key: str
) -> None:
    if adapter == "retrying":
        # the flaky fake counts its calls, which threads would spoil
        store = InMemoryObjectStore()

    def write(number: int) -> bool:
        try:
            store.put(key, io.BytesIO(f"writer {number}".encode()))
        except (ObjectAlreadyExistsError, StorageUnavailableError):
            # Supabase Lite answers some who lose a race with 500
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(write, range(8)))

    assert won.count(True) == 1
    if adapter != "supabase":
        # Supabase Lite writes the file before it looks whether the key is taken; Storage does not
        assert read(store, key) == f"writer {won.index(True)}".encode()


def test_an_object_that_is_not_there_cannot_be_read(store: ObjectStore, key: str) -> None:
    with pytest.raises(ObjectNotFoundError) as missing:
        read(store, key)

    assert missing.value.key == key


def test_a_reader_may_stop_early(store: ObjectStore, key: str) -> None:
    store.put(key, io.BytesIO(b"x" * 1_500_000))

    with store.read(key) as pieces:
        first = next(pieces)

    assert first[:1] == b"x"
    assert len(read(store, key)) == 1_500_000


def test_two_objects_can_be_read_at_once(store: ObjectStore, prefix: str) -> None:
    keys = [f"{prefix}2026-11-2{day}.sql.json" for day in (1, 2)]
    for key in keys:
        store.put(key, io.BytesIO(key.encode()))

    with store.read(keys[0]) as one, store.read(keys[1]) as two:
        assert [b"".join(two), b"".join(one)] == [keys[1].encode(), keys[0].encode()]


def test_a_listing_has_key_size_and_time(
    adapter: str, store: ObjectStore, key: str, prefix: str
) -> None:
    store.put(key, io.BytesIO(b"12345"))

    [stored] = store.list(prefix)

    assert (stored.key, stored.size_bytes) == (key, 5)
    assert stored.modified_at.tzinfo is not None
    if adapter not in IN_MEMORY:
        assert abs(dt.datetime.now(dt.UTC) - stored.modified_at) < dt.timedelta(minutes=1)


def test_deletions_during_a_listing_do_not_hide_other_objects(
    store: ObjectStore, prefix: str
) -> None:
    keys = [f"{prefix}2026-11-22.sql.json.{number:03d}" for number in range(130)]
    for key in keys:
        store.put(key, io.BytesIO(b"x"))

    listing = store.list(prefix)
    listed = [next(listing).key]
    for key in keys[:40]:
        store.delete(key)
    listed += [stored.key for stored in listing]

    assert set(keys[40:]) <= set(listed)
    assert listed == sorted(set(listed))


def test_a_listing_has_what_starts_with_the_prefix_in_the_order_of_keys(
    store: ObjectStore, prefix: str
) -> None:
    other = prefix.replace("backup_", "backup_other")
    names = ["2026-11-22.sql.json.002", "2026-11-21.sql.json", "2026-11-22.sql.json.001"]
    for name in (*names, "2026-11-22T030000Z.sql.json", "2026-11-22.manifest.json"):
        store.put(f"{prefix}{name}", io.BytesIO(b"x"))
    store.put(f"{other}2026-11-22.sql.json", io.BytesIO(b"x"))

    everything = [stored.key for stored in store.list(prefix)]
    of_one_day = [stored.key for stored in store.list(f"{prefix}2026-11-22.")]
    in_folder = [stored.key for stored in store.list("daily/")]

    assert [listed.removeprefix(prefix) for listed in everything] == [
        "2026-11-21.sql.json",
        "2026-11-22.manifest.json",
        "2026-11-22.sql.json.001",
        "2026-11-22.sql.json.002",
        "2026-11-22T030000Z.sql.json",
    ]
    assert of_one_day == everything[1:4]
    assert {*everything, f"{other}2026-11-22.sql.json"} <= set(in_folder)


def test_a_listing_is_whole_beyond_one_page_of_the_server(store: ObjectStore, prefix: str) -> None:
    keys = [f"{prefix}2026-11-22.sql.json.{number:03d}" for number in range(1, 231)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: store.put(key, io.BytesIO(b"x")), keys))

    assert [stored.key for stored in store.list(prefix)] == keys


def test_a_store_without_such_objects_lists_nothing(store: ObjectStore, prefix: str) -> None:
    assert list(store.list(prefix)) == []


def test_a_bucket_that_does_not_exist_is_never_taken_for_an_empty_one(
    store_named: MakeStore, key: str
) -> None:
    missing = store_named("missing")

    with pytest.raises(BucketNotFoundError):
        list(missing.list("daily/"))
    with pytest.raises((BucketNotFoundError, ObjectNotFoundError)):
        read(missing, key)


def test_nothing_is_put_into_a_bucket_that_does_not_exist(
    adapter: str, store_named: MakeStore, key: str
) -> None:
    missing = store_named("missing")
    if adapter == "folder":
        # `--to ./copies` makes the folder
        missing.put(key, io.BytesIO(b"x"))
        assert read(missing, key) == b"x"
        return

    with pytest.raises(BucketNotFoundError) as failed:
        missing.put(key, io.BytesIO(b"x"))

    if not adapter.startswith(("s3", "gcs")):
        assert failed.value.message == "Upload failed: Storage bucket not found"
    assert failed.value.hint


def test_what_was_deleted_is_gone(store: ObjectStore, prefix: str) -> None:
    keys = [f"{prefix}2026-11-2{day}.sql.json" for day in (1, 2)]
    for key in keys:
        store.put(key, io.BytesIO(b"x"))

    store.delete(keys[0])

    assert [stored.key for stored in store.list(prefix)] == [keys[1]]
    with pytest.raises(ObjectNotFoundError):
        read(store, keys[0])


def test_deleting_what_is_gone_is_no_error(store: ObjectStore, key: str) -> None:
    store.delete(key)

    with pytest.raises(ObjectNotFoundError):
        read(store, key)


def test_a_signed_address_serves_the_object_without_a_key(
    adapter: str, store: ObjectStore, key: str
) -> None:
    store.put(key, io.BytesIO(b"the content"))

    if adapter == "folder":
        with pytest.raises(InvalidRequestError, match="have no address to download from"):
            store.signed_url(key, 60)
        return
    if adapter == "gcs":
        # the emulator's client has no key to sign with; tests/unit/stores/test_gcs.py has one
        with pytest.raises(InvalidRequestError, match="cannot sign addresses"):
            store.signed_url(key, 60)
        return
    url = store.signed_url(key, 60)

    assert key in url
    if adapter in ("s3", "s3_compatible", "supabase"):
        answer = httpx.get(url)
        assert answer.content == b"the content"
        # a browser saves it under its own name, whatever type it has
        file_name = key.rpartition("/")[2]
        disposition = answer.headers["content-disposition"]
        assert disposition.startswith("attachment;")
        assert file_name in disposition


def test_many_objects_are_deleted_at_once_and_no_others(store: ObjectStore, prefix: str) -> None:
    keys = [f"{prefix}2026-11-2{day}.sql.json" for day in (1, 2, 3)]
    for key in keys:
        store.put(key, io.BytesIO(b"x"))

    left = store.delete_all([keys[0], f"{prefix}2026-11-29.sql.json", keys[2]])

    assert left == {}
    assert [stored.key for stored in store.list(prefix)] == [keys[1]]
    assert store.delete_all([]) == {}


def test_what_could_not_be_deleted_is_named_with_the_reason(
    adapter: str, store_named: MakeStore
) -> None:
    if adapter in ("folder", "gcs"):
        return  # a missing bucket is answered as a missing object is
    keys = ["daily/backup_abc_2026-11-21.sql.json", "daily/backup_abc_2026-11-22.sql.json"]

    left = store_named("missing").delete_all(keys)

    assert list(left) == keys
    assert all(isinstance(error, BucketNotFoundError) for error in left.values())
