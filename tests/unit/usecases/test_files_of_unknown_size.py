"""Files of which Storage does not tell the size, and numbers in what applications say of their files."""

from __future__ import annotations

import pytest

from supakeep.archive.encoding import PLAIN, Encoding
from supakeep.archive.encryption import Identities
from supakeep.archive.reader import BackupReader
from supakeep.domain.file_choice import FileChoice
from supakeep.domain.files_policy import FilesPolicy
from supakeep.domain.manifest import BackupStatus, Manifest
from supakeep.domain.restored_files import RestoredFiles
from supakeep.usecases.restore_files import RestoreFiles
from tests.builders.file_backups import ALL, Stores, contents, some_files, tree_of
from tests.builders.keys import OURS
from tests.fakes.project_files import InMemoryProjectFiles
from tests.fakes.time import NeverExpires

NUMBERS = '{"rate":1.10,"big":12345678901234567890123,"far":1e400,"list":[-0,0.1e-5]}'


@pytest.fixture
def source() -> InMemoryProjectFiles:
    files = some_files()
    files.amend("avatars", "one.png", size_bytes=None, metadata=NUMBERS)
    return files


@pytest.fixture
def stores() -> Stores:
    return Stores()


@pytest.fixture(params=["plain", "encrypted"])
def encoding(request: pytest.FixtureRequest) -> Encoding:
    return Encoding("gzip", None, (OURS.public,)) if request.param == "encrypted" else PLAIN


def restore(target: InMemoryProjectFiles, manifest: Manifest, stores: Stores) -> RestoredFiles:
    reader = BackupReader(manifest, [stores.mirror])
    reader.decoder.unlock(lambda: Identities(OURS.private))
    return RestoreFiles(target, reader, NeverExpires())(FileChoice(("all",)), dry_run=False)


def test_a_file_of_unknown_size_is_stored_once_and_comes_back(
    source: InMemoryProjectFiles, stores: Stores, encoding: Encoding
) -> None:
    stores.back_up(source, encoding=encoding)
    source.reads.clear()
    manifest = stores.back_up(source, encoding=encoding)
    target = InMemoryProjectFiles()

    report = restore(target, manifest, stores)

    assert source.reads == []
    assert manifest.status is BackupStatus.COMPLETE
    assert report.is_whole
    assert target.held["avatars", "one.png"].content == b"the first picture"


def test_what_was_of_unknown_size_is_unchanged_after_its_restore(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    manifest = stores.back_up(source)
    target = InMemoryProjectFiles()
    restore(target, manifest, stores)

    assert restore(target, manifest, stores).unchanged == 3


@pytest.mark.parametrize("most", [16, 10_000_000])
def test_a_file_of_unknown_size_is_left_out_where_it_turns_out_to_be_too_large(
    source: InMemoryProjectFiles, stores: Stores, encoding: Encoding, most: int
) -> None:
    if most > 16:
        source.put("avatars", "one.png", b"x" * (most + 1))
        source.amend("avatars", "one.png", size_bytes=None)

    manifest = stores.back_up(source, FilesPolicy(buckets=["*"], max_bytes=most), encoding=encoding)

    assert manifest.files is not None
    assert (manifest.files.too_large, manifest.files.files) == (1, 2)
    assert manifest.status is BackupStatus.COMPLETE


def test_a_file_that_has_become_too_large_meanwhile_is_left_out(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    source.before_read = lambda file: (
        source.put(file.bucket, file.name, b"x" * 99) if "tax" in file.name else None
    )

    manifest = stores.back_up(source, FilesPolicy(buckets=["*"], max_bytes=50))

    assert manifest.files is not None
    assert (manifest.files.too_large, manifest.files.files) == (1, 2)


def test_numbers_in_custom_metadata_come_back_as_they_were_written(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    manifest = stores.back_up(source)
    target = InMemoryProjectFiles()

    restore(target, manifest, stores)

    [tree] = manifest.files.tree if manifest.files else ()
    assert f'"metadata":{NUMBERS}'.encode() in stores.mirror.objects[tree.key]
    assert target.held["avatars", "one.png"].file.metadata == NUMBERS


def test_a_tree_does_not_tell_a_size_that_nobody_knows(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    manifest = stores.back_up(source)

    [line] = (
        entry["file"]
        for entry in tree_of(manifest, stores.mirror)
        if entry.get("file", {}).get("name") == "one.png"
    )
    assert "size" not in line
    assert contents(manifest, stores.mirror)["avatars/one.png"] == b"the first picture"
    assert ALL.takes("avatars")
