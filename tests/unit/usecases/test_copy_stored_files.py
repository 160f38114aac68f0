"""`copy` also gives a store what it lacks, or has damaged, of the files that a backup names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from supakeep.archive.encoding import PLAIN, Encoding
from supakeep.domain.copy_report import CopiedFiles, CopiedStore
from supakeep.domain.manifest import Manifest
from supakeep.errors import ObjectLockedError, StorageUnavailableError
from supakeep.ports import ForwardingObjectStore, ObjectStore
from supakeep.usecases.copy_backup import CopyBackup
from supakeep.usecases.copy_stored_files import CopyStoredFiles
from tests.builders.file_backups import Stores, files_in, some_files
from tests.builders.keys import OURS
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryTransfers
from tests.fakes.time import NeverExpires

WHOLE = CopiedFiles()


@pytest.fixture
def stores() -> Stores:
    return Stores()


@pytest.fixture(params=["plain", "encrypted"])
def encoding(request: pytest.FixtureRequest) -> Encoding:
    return Encoding("zstd", None, (OURS.public,)) if request.param == "encrypted" else PLAIN


@pytest.fixture
def manifest(stores: Stores, encoding: Encoding) -> Manifest:
    return stores.back_up(some_files(), encoding=encoding)


def copy(
    manifest: Manifest,
    every: Sequence[ObjectStore],
    target: ObjectStore,
    *,
    deep: bool = False,
    dry_run: bool = False,
    holders: frozenset[str] = frozenset(),
) -> CopiedStore:
    deadline, transfers = NeverExpires(), InMemoryTransfers()
    files = CopyStoredFiles(tuple(every), deadline, transfers, holders, deep)
    copying = CopyBackup(every, deadline, transfers, files)
    [copied] = copying(manifest.name, [target], dry_run=dry_run).stores
    return copied


def every(stores: Stores) -> list[ObjectStore]:
    return [stores.primary, stores.mirror, stores.offsite]


def largest(store: InMemoryObjectStore) -> str:
    return max(files_in(store), key=lambda key: len(store.objects[key]))


def test_files_that_a_copy_lost_or_has_cut_short_are_mended(
    stores: Stores, manifest: Manifest
) -> None:
    lost, cut = sorted(files_in(stores.offsite))[:2]
    stores.offsite.delete(lost)
    stores.offsite.place(cut, stores.offsite.objects[cut] + b"more")
    sizes = len(stores.mirror.objects[lost]) + len(stores.mirror.objects[cut])

    dry_run = copy(manifest, every(stores), stores.offsite, dry_run=True)
    copied = copy(manifest, every(stores), stores.offsite)

    expected = CopiedFiles(written=1, replaced=1, bytes=sizes)
    assert (dry_run.files, copied.files) == (expected, expected)
    assert copied.state == "copied"
    assert files_in(stores.offsite) == files_in(stores.mirror)


def test_a_dry_run_writes_no_file(stores: Stores, manifest: Manifest) -> None:
    stores.offsite.delete(largest(stores.offsite))
    before = dict(stores.offsite.objects)

    copy(manifest, every(stores), stores.offsite, dry_run=True)

    assert stores.offsite.objects == before


def test_a_copy_that_is_whole_is_left_alone(stores: Stores, manifest: Manifest) -> None:
    copied = copy(manifest, every(stores), stores.mirror, deep=True)

    assert (copied.state, copied.files) == ("whole", WHOLE)


def test_other_bytes_of_the_same_size_are_replaced_where_every_byte_is_read(
    stores: Stores, manifest: Manifest
) -> None:
    key = largest(stores.mirror)
    right = stores.mirror.objects[key]
    stores.mirror.place(key, right[:-1] + bytes([right[-1] ^ 1]))

    shallow = copy(manifest, every(stores), stores.mirror)
    deep = copy(manifest, every(stores), stores.mirror, deep=True)

    assert shallow.files == WHOLE
    assert deep.files == CopiedFiles(replaced=1, bytes=len(right))
    assert stores.mirror.objects[key] == right


def test_objects_that_only_look_damaged_on_the_way_here_stay(
    stores: Stores, manifest: Manifest
) -> None:
    class BehindAProxy(ForwardingObjectStore):
        @contextmanager
        def read(self, key: str) -> Iterator[Iterator[bytes]]:
            with super().read(key) as pieces:
                yield iter([b"<html>"]) if key.startswith("files/") else pieces

    before = files_in(stores.offsite)

    copied = copy(manifest, every(stores), BehindAProxy(stores.offsite), deep=True)

    assert copied.problem is not None
    assert files_in(stores.offsite) == before


def test_a_store_that_is_to_hold_files_from_now_on_gets_those_of_older_backups(
    stores: Stores, manifest: Manifest
) -> None:
    added = InMemoryObjectStore("added")

    without = copy(manifest, [*every(stores), added], added)
    copied = copy(manifest, [*every(stores), added], added, holders=frozenset({"added"}))

    assert without.files is None
    assert copied.files is not None
    assert copied.files.written == 3
    assert files_in(added) == files_in(stores.mirror)


def test_the_projects_own_storage_gets_no_file(stores: Stores, manifest: Manifest) -> None:
    copied = copy(manifest, every(stores), stores.primary, holders=frozenset({"primary"}))

    assert copied.files is None
    assert files_in(stores.primary) == {}


def test_a_file_that_no_store_has_right_is_a_problem_and_keeps_no_other(
    stores: Stores, manifest: Manifest
) -> None:
    key = largest(stores.mirror)
    stores.mirror.place(key, b"cut")
    for lost in [k for k in files_in(stores.offsite) if k != key]:
        stores.offsite.delete(lost)
    stores.offsite.place(key, b"cut too")

    copied = copy(manifest, every(stores), stores.offsite)

    assert copied.files is not None
    assert (copied.files.written, copied.files.replaced) == (2, 0)
    assert copied.problem is not None
    assert copied.problem.message.startswith("1 file is not right in offsite: files/")
    assert stores.offsite.objects[key] == b"cut too"


def test_the_list_is_read_from_a_copy_that_has_it_right(stores: Stores, manifest: Manifest) -> None:
    [keys] = manifest.files.keys if manifest.files else ()
    stores.mirror.place(keys.key, stores.mirror.objects[keys.key].replace(b"files/", b"filez/"))
    stores.mirror.delete(largest(stores.mirror))

    copied = copy(manifest, every(stores), stores.mirror)

    assert copied.files is not None
    assert copied.files.written == 1
    assert copied.problem is None


def test_a_store_that_keeps_no_file_is_not_asked_for_all_of_them(stores: Stores) -> None:
    source = some_files()
    for number in range(60):
        source.put("avatars", f"{number}.png", b"x" * number)
    manifest = stores.back_up(source)
    for key in files_in(stores.offsite):
        stores.offsite.delete(key)
    error = StorageUnavailableError("It did not answer", operation="upload")
    silent = FailingObjectStore(stores.offsite, "put", error=error, key_part="files/")

    copied = copy(manifest, [stores.primary, stores.mirror, silent], silent)

    assert copied.state == "failed"
    assert copied.problem is not None
    assert copied.problem.message == "It did not answer"
    assert silent._calls < 60


def test_a_locked_object_is_named(stores: Stores, manifest: Manifest) -> None:
    key = largest(stores.offsite)
    stores.offsite.place(key, b"cut")
    error = ObjectLockedError(f"{key} is locked until tomorrow", operation="delete")
    locked = FailingObjectStore(stores.offsite, "delete", error=error, key_part="files/")

    copied = copy(manifest, [stores.primary, stores.mirror, locked], locked)

    assert copied.problem is not None
    assert "is locked until tomorrow" in copied.problem.message
