"""What is encrypted in the copies never comes to lie in one of them in the clear, whatever is done."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from supakeep.archive.encoding import Encoding
from supakeep.archive.encryption import Identities
from supakeep.archive.reader import BackupReader
from supakeep.domain.file_choice import FileChoice
from supakeep.domain.manifest import Manifest
from supakeep.domain.project_file import ProjectFile
from supakeep.ports import ForwardingObjectStore, ObjectStore
from supakeep.stores.folder import FolderObjectStore
from supakeep.usecases.copy_backup import CopyBackup
from supakeep.usecases.copy_stored_files import CopyStoredFiles
from supakeep.usecases.restore_files import RestoreFiles
from supakeep.usecases.verify_backup import VerifyBackup
from supakeep.usecases.verify_files import VerifyFiles
from tests.builders.file_backups import Stores
from tests.builders.keys import OURS
from tests.builders.manifests import PROJECT
from tests.fakes.project_files import InMemoryProjectFiles
from tests.fakes.runs import InMemoryProgress, InMemoryTransfers
from tests.fakes.time import NeverExpires

CANARY = b"canary-of-a-file "
NAME = "canary-of-a-name.txt"
ENCRYPTED = Encoding(compression="gzip", recipients=(OURS.public,))


class Watched(ForwardingObjectStore):
    """A folder that is looked through for the canary at each call, also among unfinished files."""

    def __init__(self, root: Path) -> None:
        super().__init__(FolderObjectStore(root))
        self.root = root
        self.looks = 0

    def look(self) -> None:
        self.looks += 1
        for path in (path for path in self.root.rglob("*") if path.is_file()):
            content = path.read_bytes()
            assert CANARY not in content, path
            assert b"canary-of-a-name" not in content + path.name.encode(), path

    def put(self, key: str, content: BinaryIO) -> None:
        self.look()
        super().put(key, content)
        self.look()

    def spool(self, key: str) -> BinaryIO:
        self.look()
        return super().spool(key)


class WatchingProjectFiles(InMemoryProjectFiles):
    """Looks into a copy while a file is read from the project, or written into it."""

    def __init__(self, copy: Watched) -> None:
        super().__init__()
        self.copy = copy
        self.before_read = lambda _: copy.look()

    def write(self, file: ProjectFile, content: BinaryIO) -> None:
        self.copy.look()
        super().write(file, content)


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path / "copies")
    yield watched
    assert watched.looks
    watched.look()


@pytest.fixture
def stores() -> Stores:
    return Stores()


@pytest.fixture
def source(copy: Watched) -> WatchingProjectFiles:
    files = WatchingProjectFiles(copy)
    files.put("papers", NAME, CANARY * 1000)
    return files


@pytest.fixture
def manifest(stores: Stores, source: WatchingProjectFiles, copy: Watched) -> Manifest:
    return stores.back_up(source, stores=[stores.mirror, copy], encoding=ENCRYPTED)


def opened(manifest: Manifest, *stores: ObjectStore) -> BackupReader:
    reader = BackupReader(manifest, stores)
    reader.decoder.unlock(lambda: Identities(OURS.private))
    return reader


def test_a_backup_and_one_that_mends_a_copy_put_nothing_in_the_clear_there(
    stores: Stores, source: WatchingProjectFiles, copy: Watched, manifest: Manifest
) -> None:
    [stored] = (path for path in copy.root.rglob("*.age") if "files/" in str(path))
    stored.write_bytes(b"cut")

    stores.back_up(source, stores=[stores.mirror, copy], encoding=ENCRYPTED)

    assert stored.read_bytes() in stores.mirror.objects.values()


def test_an_object_in_the_clear_that_somebody_put_there_is_not_taken_for_the_encrypted_one(
    stores: Stores,
) -> None:
    source = InMemoryProjectFiles()
    source.put("papers", NAME, CANARY)
    [file] = source.files("papers")
    version = file.version_key([OURS.public])
    planted = f"files/{PROJECT}/{version[:2]}/{version}.{hashlib.sha256(CANARY).hexdigest()}"
    stores.mirror.place(planted, CANARY)

    manifest = stores.back_up(source, stores=[stores.mirror, stores.offsite], encoding=ENCRYPTED)

    assert manifest.files is not None
    assert manifest.files.copied == 1
    assert planted not in stores.offsite.objects
    [keys] = manifest.files.keys
    assert planted.encode() not in stores.mirror.objects[keys.key]


def test_a_restore_puts_nothing_in_the_clear_into_the_copy_that_it_reads(
    copy: Watched, source: WatchingProjectFiles, manifest: Manifest
) -> None:
    source.held.clear()

    restore = RestoreFiles(source, opened(manifest, copy), NeverExpires())
    restore(FileChoice(("all",)), dry_run=False)

    assert source.held["papers", NAME].content == CANARY * 1000


def test_a_deep_verification_puts_nothing_in_the_clear_there(
    copy: Watched, manifest: Manifest
) -> None:
    files = VerifyFiles(NeverExpires(), deep=True)
    verify = VerifyBackup(NeverExpires(), InMemoryProgress(), deep=True, files=files)

    assert verify(opened(manifest, copy)).files_read


def test_a_copy_that_is_made_whole_gets_nothing_in_the_clear(
    stores: Stores, copy: Watched, manifest: Manifest
) -> None:
    for path in [path for path in copy.root.rglob("*.age") if path.is_file()]:
        path.unlink()
    every = (stores.primary, stores.mirror, copy)
    deadline, transfers = NeverExpires(), InMemoryTransfers()
    files = CopyStoredFiles(every, deadline, transfers, deep=True)

    copied = CopyBackup(every, deadline, transfers, files)(manifest.name, [copy], dry_run=False)

    mended = copied.stores[0].files
    assert mended is not None
    assert mended.written == 1
