"""A backup stores a file again whose object in a copy is cut short."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from supakeep.archive.encoding import PLAIN, Encoding
from supakeep.domain.manifest import BackupStatus
from supakeep.errors import (
    LeaseHeldError,
    ObjectLockedError,
    StorageError,
    StoragePermissionError,
    StorageUnavailableError,
)
from supakeep.ports import ForwardingObjectStore, ObjectStore, StoredObject
from supakeep.stores.folder import FolderObjectStore
from tests.builders.file_backups import Stores, files_in, some_files
from tests.builders.keys import OURS
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.project_files import InMemoryProjectFiles
from tests.fakes.time import Lasts

ENCODINGS = {
    "plain": PLAIN,
    "compressed": Encoding(compression="gzip"),
    "encrypted": Encoding(recipients=(OURS.public,)),
}


@pytest.fixture(params=list(ENCODINGS))
def encoding(request: pytest.FixtureRequest) -> Encoding:
    return ENCODINGS[request.param]


@pytest.fixture
def source() -> InMemoryProjectFiles:
    return some_files()


@pytest.fixture
def stores() -> Stores:
    return Stores()


def cut_short(store: InMemoryObjectStore, keep_bytes: int = 5) -> str:
    """Cuts an object that holds a file; returns its key."""
    key = max(files_in(store), key=lambda key: len(store.objects[key]))
    store.place(key, store.objects[key][:keep_bytes])
    return key


def test_an_object_that_is_cut_short_is_written_again_from_another_copy(
    source: InMemoryProjectFiles, stores: Stores, encoding: Encoding
) -> None:
    stores.back_up(source, encoding=encoding)
    cut_short(stores.offsite)
    source.reads.clear()

    manifest = stores.back_up(source, encoding=encoding)

    assert files_in(stores.offsite) == files_in(stores.mirror)
    assert source.reads == []
    assert manifest.files is not None
    assert (manifest.files.copied, manifest.files.left) == (1, 0)
    assert manifest.status is BackupStatus.COMPLETE


def test_an_object_that_is_cut_short_in_every_copy_is_read_from_the_project_again(
    source: InMemoryProjectFiles, stores: Stores, encoding: Encoding
) -> None:
    stores.back_up(source, encoding=encoding)
    cut = cut_short(stores.mirror)
    cut_short(stores.offsite)
    source.reads.clear()

    manifest = stores.back_up(source, encoding=encoding)

    assert len(source.reads) == 1
    listed = _list_of(stores, manifest.backup)
    assert manifest.status is BackupStatus.COMPLETE
    for store in (stores.mirror, stores.offsite):
        assert {key: len(held) for key, held in files_in(store).items() if key in listed} == listed
    # whoever encrypts does not know which bytes come out: the new object has a name of its own
    assert (cut in listed) == (not encoding.recipients)


def test_what_was_cut_short_is_not_taken_for_the_whole_by_the_night_after(
    source: InMemoryProjectFiles, stores: Stores, encoding: Encoding
) -> None:
    for night in range(2):
        stores.back_up(source, encoding=encoding)
        if not night:
            cut_short(stores.mirror)
            cut_short(stores.offsite)
    source.reads.clear()

    manifest = stores.back_up(source, encoding=encoding)

    assert source.reads == []
    assert manifest.files is not None
    assert manifest.files.left == 0


def test_a_list_without_files_between_hides_no_object_that_is_cut_short(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    encoding = ENCODINGS["compressed"]
    stores.back_up(source, encoding=encoding, stores=[stores.mirror])
    cut_short(stores.mirror)
    stores.back_up(source, encoding=encoding, stores=[stores.mirror], files=False)
    source.reads.clear()

    stores.back_up(source, encoding=encoding, stores=[stores.mirror])

    assert source.reads == ["avatars/one.png"]


def test_the_list_of_a_damaged_copy_is_read_from_another_one(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    encoding = ENCODINGS["compressed"]
    manifest = stores.back_up(source, encoding=encoding)
    assert manifest.files is not None
    [keys] = manifest.files.keys
    stores.mirror.place(keys.key, b"\xff" + stores.mirror.objects[keys.key][1:])
    cut_short(stores.mirror)
    cut_short(stores.offsite)
    source.reads.clear()

    assert stores.back_up(source, encoding=encoding).status is BackupStatus.COMPLETE

    assert source.reads == ["avatars/one.png"]


@pytest.mark.parametrize("kind", [ObjectLockedError, StoragePermissionError])
def test_an_object_that_is_cut_short_and_may_not_be_removed_is_a_problem_of_this_file_only(
    source: InMemoryProjectFiles, stores: Stores, kind: type[StorageError]
) -> None:
    stores.back_up(source)
    key = cut_short(stores.offsite)
    source.put("avatars", "new.png", b"a new one")
    error = kind("It may not be deleted", operation="delete")
    locked = FailingObjectStore(stores.offsite, "delete", error=error, key_part="files/")

    manifest = stores.back_up(source, stores=[stores.mirror, locked])

    assert manifest.files is not None
    assert (manifest.files.copied, manifest.files.left) == (1, 1)
    [problem] = manifest.files.problems
    reason = f"{key} is damaged in offsite, and cannot be replaced: It may not be deleted"
    assert reason in problem.message
    assert b"a new one" in files_in(stores.offsite).values()
    assert manifest.status is BackupStatus.PARTIAL


def test_a_file_that_is_cut_short_in_a_folder_is_replaced(
    source: InMemoryProjectFiles, stores: Stores, tmp_path: Path
) -> None:
    folder = FolderObjectStore(tmp_path / "copies")
    stores.back_up(source, stores=[folder])
    [path] = (p for p in tmp_path.rglob("*.*") if p.is_file() and p.stat().st_size == 17)
    path.write_bytes(b"the first")

    manifest = stores.back_up(source, stores=[folder])

    assert path.read_bytes() == b"the first picture"
    assert manifest.status is BackupStatus.COMPLETE


def test_what_a_run_that_was_cut_off_has_left_is_read_before_it_counts(
    source: InMemoryProjectFiles, stores: Stores, encoding: Encoding
) -> None:
    _cut_off_after_storing(source, stores, encoding)
    cut_short(stores.mirror, keep_bytes=9)
    cut_short(stores.offsite, keep_bytes=9)
    source.reads.clear()

    manifest = stores.back_up(source, encoding=encoding)

    assert len(source.reads) == 1
    assert manifest.files is not None
    assert (manifest.files.copied, manifest.files.left) == (1, 0)


def test_what_there_is_no_time_to_read_is_left_and_the_next_backup_goes_on(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    encoding = ENCODINGS["compressed"]
    _cut_off_after_storing(source, stores, encoding)
    read: list[str] = []

    class Noted(ForwardingObjectStore):
        def read(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
            read.extend([key] if key.startswith("files/") else [])
            return super().read(key)

    class UpAfterOneObject(Lasts):
        def seconds_left(self) -> float | None:
            return 119 if read else 600

    places: list[ObjectStore] = [Noted(stores.mirror), Noted(stores.offsite)]
    time = UpAfterOneObject(None)
    manifest = stores.back_up(source, encoding=encoding, stores=places, time=time)
    following = stores.back_up(source, encoding=encoding)

    assert manifest.status is BackupStatus.PARTIAL
    assert following.status is BackupStatus.COMPLETE


def test_a_list_that_lacks_files_is_read_with_the_newest_one_that_has_all(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    encoding = ENCODINGS["compressed"]
    stores.back_up(source, encoding=encoding)
    error = StorageUnavailableError("It did not answer", operation="list")
    silent: list[ObjectStore] = [
        FailingObjectStore(store, "list", error=error, key_part="files/")
        for store in (stores.mirror, stores.offsite)
    ]
    assert stores.back_up(source, encoding=encoding, stores=silent).files is not None
    reads: list[str] = []

    class Noted(ForwardingObjectStore):
        def read(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
            reads.append(key)
            return super().read(key)

    stores.back_up(source, encoding=encoding, stores=[Noted(stores.mirror), Noted(stores.offsite)])

    assert [key for key in reads if key.startswith("files/")] == []


def test_an_object_that_somebody_put_beside_the_right_one_is_not_taken_for_it(
    source: InMemoryProjectFiles, stores: Stores, encoding: Encoding
) -> None:
    first = stores.back_up(source, encoding=encoding)
    keys = _list_of(stores, first.backup)
    for key in keys:
        version = key[: key.index(".")]
        for store in (stores.mirror, stores.offsite):
            store.place(f"{version}.{'0' * 64}", b"planted")
        stores.offsite.delete(key)

    second = stores.back_up(source, encoding=encoding)

    assert _list_of(stores, second.backup) == keys
    assert stores.offsite.objects.keys() >= keys.keys()


def test_a_store_that_lists_less_than_it_took_is_said_to_lack_files(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    class Hollow(ForwardingObjectStore):
        def list(self, prefix: str) -> Iterator[StoredObject]:
            for stored in super().list(prefix):
                is_file = stored.key.startswith("files/")
                yield replace(stored, size_bytes=3) if is_file else stored

    manifest = stores.back_up(source, stores=[stores.mirror, Hollow(stores.offsite)])

    assert manifest.files is not None
    assert manifest.files.left == 3
    [problem] = manifest.files.problems
    assert problem.message == "3 files not listed in full by every copy that took them"
    assert manifest.status is BackupStatus.PARTIAL


class Damaging(ForwardingObjectStore):
    """Damages the files that it takes, so many times each."""

    def __init__(self, store: ObjectStore, times: int) -> None:
        super().__init__(store)
        self._times = times
        self._taken: Counter[str] = Counter()

    def put(self, key: str, content: BinaryIO) -> None:
        super().put(key, self._damaged(key, content))

    def replace(self, key: str, content: BinaryIO) -> None:
        super().replace(key, self._damaged(key, content))

    def _damaged(self, key: str, content: BinaryIO) -> BinaryIO:
        self._taken[key] += 1
        damages = key.startswith("files/") and self._taken[key] <= self._times
        return io.BytesIO(bytes(byte ^ 1 for byte in content.read())) if damages else content


def test_a_file_that_a_store_damages_is_stored_again(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    manifest = stores.back_up(source, stores=[stores.mirror, Damaging(stores.offsite, times=1)])

    assert manifest.status is BackupStatus.COMPLETE
    assert files_in(stores.offsite) == files_in(stores.mirror)


def test_a_file_that_a_store_damages_again_and_again_counts_in_no_backup(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    damaging = Damaging(stores.offsite, times=2)

    first = stores.back_up(source, stores=[stores.mirror, damaging])
    second = stores.back_up(source)

    assert first.files is not None
    [problem] = first.files.problems
    assert problem.message.startswith("Files are missing in offsite: files/")
    assert "could not be read back from offsite" in problem.message
    assert first.status is BackupStatus.PARTIAL
    assert second.status is BackupStatus.COMPLETE
    assert files_in(stores.offsite) == files_in(stores.mirror)


def _cut_off_after_storing(
    source: InMemoryProjectFiles, stores: Stores, encoding: Encoding
) -> None:
    """A run that ended when all files were stored, and before it wrote any list."""

    class CutOff(ForwardingObjectStore):
        def list(self, prefix: str) -> Iterator[StoredObject]:
            if prefix.startswith("files/") and len(files_in(stores.offsite)) == len(source.held):
                raise LeaseHeldError("Another run is at work", operation="confirm lease")
            return super().list(prefix)

    with pytest.raises(LeaseHeldError):
        stores.back_up(source, encoding=encoding, stores=[CutOff(stores.mirror), stores.offsite])


def _list_of(stores: Stores, backup: str) -> dict[str, int]:
    content = stores.mirror.objects[f"daily/{backup}.files.txt"].decode()
    pairs = (line.split(" ") for line in content.splitlines())
    return {key: int(size) for key, size in pairs}
