"""Files of a backup are written into a folder under their own names."""

from __future__ import annotations

from pathlib import Path

import pytest

from supakeep.archive.encoding import PLAIN, Encoding
from supakeep.archive.encryption import Identities
from supakeep.archive.reader import BackupReader
from supakeep.domain.downloaded_files import DownloadedFiles
from supakeep.domain.file_choice import FileChoice
from supakeep.domain.files_policy import FilesPolicy
from supakeep.domain.manifest import Manifest
from supakeep.errors import (
    DecryptionError,
    InvalidRequestError,
    StorageUnavailableError,
    UnsafeOperationError,
)
from supakeep.ports import ObjectStore
from supakeep.stores.disk_folder import DiskFolder
from supakeep.stores.folder import FolderObjectStore
from supakeep.usecases.download_files import DownloadFiles
from tests.builders.file_backups import Stores, files_in, some_files
from tests.builders.keys import OURS
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.project_files import InMemoryProjectFiles
from tests.fakes.runs import InMemoryTransfers
from tests.fakes.time import NeverExpires

WHOLE = {
    "avatars/one.png": b"the first picture",
    "avatars/folder/two.png": b"the second one",
    "papers/tax.pdf": b"",
}


@pytest.fixture
def source() -> InMemoryProjectFiles:
    return some_files()


@pytest.fixture
def stores() -> Stores:
    return Stores()


@pytest.fixture(params=["plain", "encrypted"])
def encoding(request: pytest.FixtureRequest) -> Encoding:
    return Encoding("gzip", None, (OURS.public,)) if request.param == "encrypted" else PLAIN


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


def download(
    manifest: Manifest,
    folder: Path,
    *stores: ObjectStore,
    choice: str = "all",
    identity: str | None = OURS.private,
) -> DownloadedFiles:
    reader = BackupReader(manifest, stores)
    reader.decoder.unlock(lambda: Identities(identity))
    use_case = DownloadFiles(DiskFolder(folder), reader, NeverExpires(), InMemoryTransfers())
    return use_case(FileChoice((choice,)))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_every_file_comes_under_its_bucket_and_its_name(
    source: InMemoryProjectFiles, stores: Stores, folder: Path, encoding: Encoding
) -> None:
    manifest = stores.back_up(source, encoding=encoding)

    report = download(manifest, folder, stores.mirror)

    assert contents(folder) == WHOLE
    assert (report.in_backup, report.written, report.bytes) == (3, 3, 31)
    assert report.is_whole


def test_what_is_there_already_is_neither_written_nor_overwritten(
    source: InMemoryProjectFiles, stores: Stores, folder: Path, encoding: Encoding
) -> None:
    manifest = stores.back_up(source, encoding=encoding)
    download(manifest, folder, stores.mirror)
    (folder / "avatars/one.png").write_bytes(b"drawn over since")
    (folder / "papers/tax.pdf").unlink()

    report = download(manifest, folder, stores.mirror)

    assert (report.written, report.already_there, report.refused) == (1, 1, 1)
    [refused] = report.refused_files
    assert refused.path == "avatars/one.png"
    assert "Another file of this name is there" in refused.reason
    assert contents(folder)["avatars/one.png"] == b"drawn over since"


@pytest.mark.parametrize(
    ("choice", "number"), [("avatars", 2), ("avatars/folder", 1), ("*.pdf", 1), ("nothing", 0)]
)
def test_only_what_is_asked_for_comes(
    source: InMemoryProjectFiles, stores: Stores, folder: Path, choice: str, number: int
) -> None:
    report = download(stores.back_up(source), folder, stores.mirror, choice=choice)

    assert len(contents(folder)) == report.written == number
    assert report.is_whole == (number > 0)


@pytest.mark.parametrize(
    "name", ["../../outside.png", "a//b", "/etc/passwd", "..", ".", "a/../b", "x" * 300, "end/"]
)
def test_a_name_that_no_file_can_have_is_refused_and_leads_to_no_other_folder(
    source: InMemoryProjectFiles, stores: Stores, folder: Path, name: str
) -> None:
    source.put("avatars", name, b"somewhere else")

    report = download(stores.back_up(source), folder, stores.mirror)

    assert report.written == 3
    assert [refused.path for refused in report.refused_files] == [f"avatars/{name}"]
    assert contents(folder.parent) == {f"files/{path}": held for path, held in WHOLE.items()}


def test_of_a_file_and_a_folder_of_one_name_one_is_refused(
    source: InMemoryProjectFiles, stores: Stores, folder: Path
) -> None:
    source.put("avatars", "folder", b"a file with the name of a folder")

    report = download(stores.back_up(source), folder, stores.mirror)

    assert (report.written, report.refused) == (3, 1)


def test_a_damaged_object_is_read_from_the_next_copy_and_named_where_none_is_right(
    source: InMemoryProjectFiles, stores: Stores, folder: Path
) -> None:
    manifest = stores.back_up(source)
    keys = {held: key for key, held in files_in(stores.mirror).items()}
    stores.mirror.place(keys[b"the first picture"], b"the fIrst picture")
    for store in (stores.mirror, stores.offsite):
        store.place(keys[b"the second one"], b"the sec")

    report = download(manifest, folder, stores.mirror, stores.offsite)

    assert (report.written, report.refused) == (2, 1)
    [refused] = report.refused_files
    assert refused.path == "avatars/folder/two.png"
    assert "its SHA-256 is not" in refused.reason
    assert contents(folder)["avatars/one.png"] == b"the first picture"


def test_a_file_that_the_backup_does_not_have_is_named(
    source: InMemoryProjectFiles, stores: Stores, folder: Path
) -> None:
    manifest = stores.back_up(source, FilesPolicy(buckets=["*"], max_bytes=14))

    [refused] = download(manifest, folder, stores.mirror).refused_files

    assert refused.path == "avatars/one.png"
    assert "larger than 14 bytes" in refused.reason


def test_a_store_that_gives_no_file_is_not_asked_for_all_of_them(
    source: InMemoryProjectFiles, stores: Stores, folder: Path
) -> None:
    for number in range(60):
        source.put("avatars", f"{number}.png", f"picture {number}".encode())
    manifest = stores.back_up(source)
    silent = FailingObjectStore(
        stores.mirror,
        "read",
        error=StorageUnavailableError("It did not answer", operation="download"),
        key_part="files/",
    )

    with pytest.raises(StorageUnavailableError, match="It did not answer"):
        download(manifest, folder, silent)


def test_a_folder_in_which_backups_lie_takes_no_file_in_the_clear(
    source: InMemoryProjectFiles, stores: Stores, tmp_path: Path
) -> None:
    copy = FolderObjectStore(tmp_path / "copies")
    manifest = stores.back_up(source, stores=[copy], encoding=Encoding(recipients=(OURS.public,)))

    for inside in ("copies", "copies/files", "copies/a/new/folder"):
        with pytest.raises(UnsafeOperationError, match="holds backups"):
            download(manifest, tmp_path / inside, copy)

    assert b"the first picture" not in b"".join(contents(tmp_path).values())


def test_without_the_key_no_file_of_an_encrypted_backup_comes(
    source: InMemoryProjectFiles, stores: Stores, folder: Path
) -> None:
    manifest = stores.back_up(source, encoding=Encoding(recipients=(OURS.public,)))

    with pytest.raises(DecryptionError):
        download(manifest, folder, stores.mirror, identity=None)

    assert not folder.exists()


def test_a_backup_without_files_says_so(
    source: InMemoryProjectFiles, stores: Stores, folder: Path
) -> None:
    manifest = stores.back_up(source, files=False)

    with pytest.raises(InvalidRequestError, match="holds no files"):
        download(manifest, folder, stores.mirror)


def test_only_the_owner_may_read_what_was_written(
    source: InMemoryProjectFiles, stores: Stores, folder: Path
) -> None:
    download(stores.back_up(source), folder, stores.mirror)

    assert (folder / "avatars/one.png").stat().st_mode & 0o077 == 0
