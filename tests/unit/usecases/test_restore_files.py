"""Files come back from a backup: all, a bucket, a folder or one, and nothing is deleted."""

from __future__ import annotations

import pytest

from supakeep.archive.encoding import Encoding
from supakeep.archive.encryption import Identities
from supakeep.archive.reader import BackupReader
from supakeep.domain.file_choice import FileChoice
from supakeep.domain.files_policy import FilesPolicy
from supakeep.domain.manifest import Manifest
from supakeep.domain.restored_files import RefusedFile, RestoredFiles
from supakeep.errors import (
    ChecksumError,
    DecryptionError,
    InvalidRequestError,
    StorageError,
    StorageUnavailableError,
)
from supakeep.ports import ObjectStore
from supakeep.usecases.restore_files import RestoreFiles
from tests.builders.file_backups import Stores, some_files
from tests.builders.keys import OURS, STRANGERS
from tests.fakes.project_files import InMemoryProjectFiles
from tests.fakes.time import NeverExpires

ONE, TWO, TAX = "avatars/one.png", "avatars/folder/two.png", "papers/tax.pdf"


@pytest.fixture
def source() -> InMemoryProjectFiles:
    return some_files()


@pytest.fixture
def stores() -> Stores:
    return Stores()


def restore(
    target: InMemoryProjectFiles,
    manifest: Manifest,
    stores: list[ObjectStore],
    *choice: str,
    dry_run: bool = False,
    identity: str | None = None,
) -> RestoredFiles:
    reader = BackupReader(manifest, stores)
    reader.decoder.unlock(lambda: Identities(identity))
    use_case = RestoreFiles(target, reader, NeverExpires())
    return use_case(FileChoice(choice or ("all",)), dry_run=dry_run)


def contents(files: InMemoryProjectFiles) -> dict[str, bytes]:
    return {f"{b}/{name}": held.content for (b, name), held in files.held.items()}


@pytest.fixture
def wrecked(source: InMemoryProjectFiles, stores: Stores) -> Manifest:
    """A backup; since then a file is gone, one is overwritten and one is new."""
    manifest = stores.back_up(source)
    source.delete("avatars", "folder/two.png")
    source.put("avatars", "one.png", b"scribbled over")
    source.put("papers", "new.pdf", b"new")
    return manifest


def test_a_dry_run_lists_what_is_missing_changed_and_added_and_writes_nothing(
    source: InMemoryProjectFiles, stores: Stores, wrecked: Manifest
) -> None:
    before = contents(source)

    report = restore(source, wrecked, [stores.mirror], dry_run=True)

    assert (report.missing_paths, report.changed_paths) == ((TWO,), (ONE,))
    assert (report.added_paths, report.unchanged, report.in_backup) == (("papers/new.pdf",), 1, 3)
    assert report.is_whole
    assert contents(source) == before


def test_a_restore_brings_back_what_is_missing_or_changed_and_keeps_what_is_new(
    source: InMemoryProjectFiles, stores: Stores, wrecked: Manifest
) -> None:
    report = restore(source, wrecked, [stores.primary, stores.mirror])

    assert contents(source) == {
        ONE: b"the first picture",
        TWO: b"the second one",
        TAX: b"",
        "papers/new.pdf": b"new",
    }
    assert (report.missing, report.changed, report.refused) == (1, 1, 0)
    file = source.held["avatars", "folder/two.png"].file
    assert (file.content_type, file.cache_control) == ("image/png", "max-age=3600")
    again = restore(source, wrecked, [stores.mirror], dry_run=True)
    assert (again.unchanged, again.missing, again.changed) == (3, 0, 0)


@pytest.mark.parametrize(
    ("choice", "restored"),
    [
        (["avatars"], {ONE, TWO}),
        (["avatars/"], {ONE, TWO}),
        (["avatars/folder"], {TWO}),
        (["avatars/one.png"], {ONE}),
        (["avatars/*.png"], {ONE, TWO}),
        (["ava*"], {ONE, TWO}),
        (["papers", "avatars/one.png"], {ONE, TAX}),
    ],
)
def test_a_bucket_a_folder_or_a_file_comes_back_alone(
    source: InMemoryProjectFiles, stores: Stores, choice: list[str], restored: set[str]
) -> None:
    manifest = stores.back_up(source)
    empty = InMemoryProjectFiles()

    restore(empty, manifest, [stores.mirror], *choice)

    assert set(contents(empty)) == restored


def test_buckets_that_are_gone_are_made_as_they_were(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    source.bucket_ids.add("empty")
    manifest = stores.back_up(source)
    empty = InMemoryProjectFiles()

    report = restore(empty, manifest, [stores.mirror])

    assert report.buckets == ("avatars", "empty", "papers")
    assert [bucket.attributes for bucket in empty.made] == [
        bucket.attributes for bucket in source.buckets()
    ]
    assert contents(empty) == contents(source)


def test_a_damaged_object_is_taken_from_another_copy(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    manifest = stores.back_up(source)
    for key in stores.mirror.objects:
        if key.startswith("files/"):
            stores.mirror.place(key, b"something else")
    empty = InMemoryProjectFiles()

    report = restore(empty, manifest, [stores.mirror, stores.offsite])

    assert report.refused == 0
    assert contents(empty) == contents(source)


@pytest.mark.parametrize("harm", ["damaged", "missing"])
def test_a_file_that_no_copy_has_right_is_named_and_the_rest_comes_back(
    source: InMemoryProjectFiles, stores: Stores, harm: str
) -> None:
    manifest = stores.back_up(source)
    for store in (stores.mirror, stores.offsite):
        [key] = [k for k, held in store.objects.items() if held == b"the first picture"]
        if harm == "damaged":
            store.place(key, b"the fIrst picture")
        else:
            store.delete(key)
    empty = InMemoryProjectFiles()

    report = restore(empty, manifest, [stores.mirror, stores.offsite])

    [refused] = report.refused_files
    assert refused.path == ONE
    assert "files/" in refused.reason
    assert set(contents(empty)) == {TWO, TAX}
    assert not report.is_whole


def test_what_storage_refuses_is_named_and_the_rest_comes_back(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    manifest = stores.back_up(source)
    empty = InMemoryProjectFiles()
    empty.write_errors[ONE] = StorageError("Storage refused: invalid_mime_type", operation="write")

    report = restore(empty, manifest, [stores.mirror])

    reason = "Storage refused: invalid_mime_type"
    assert report.refused_files == (RefusedFile(path=ONE, reason=reason),)
    assert set(contents(empty)) == {TWO, TAX}


def test_a_storage_that_takes_nothing_more_ends_the_restore(stores: Stores) -> None:
    source, empty = InMemoryProjectFiles(), InMemoryProjectFiles()
    error = StorageUnavailableError("It did not answer", operation="write file")
    for number in range(50):
        source.put("many", f"{number}", b"x")
        empty.write_errors[f"many/{number}"] = error
    manifest = stores.back_up(source)

    with pytest.raises(StorageUnavailableError, match="It did not answer"):
        restore(empty, manifest, [stores.mirror])


def test_a_file_that_the_backup_does_not_have_is_named_in_the_dry_run_too(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    manifest = stores.back_up(source, FilesPolicy(buckets=["*"], max_bytes=14))

    report = restore(InMemoryProjectFiles(), manifest, [stores.mirror], dry_run=True)

    [refused] = report.refused_files
    assert refused.path == ONE
    assert "larger than 14 bytes" in refused.reason


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".age", ".zst.age"])
def test_compressed_and_encrypted_files_come_back_byte_for_byte(
    source: InMemoryProjectFiles, stores: Stores, suffix: str
) -> None:
    compression = {".gz": "gzip", ".zst": "zstd"}.get(suffix.removesuffix(".age"))
    recipients = (OURS.public,) if suffix.endswith(".age") else ()
    manifest = stores.back_up(source, encoding=Encoding(compression, None, recipients))
    empty = InMemoryProjectFiles()

    restore(empty, manifest, [stores.mirror], identity=OURS.private)

    assert contents(empty) == contents(source)
    if recipients:
        with pytest.raises(DecryptionError):
            restore(empty, manifest, [stores.mirror], identity=STRANGERS.private)


def test_a_damaged_tree_is_refused_before_anything_is_written(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    manifest = stores.back_up(source)
    assert manifest.files is not None
    [tree] = manifest.files.tree
    content = stores.mirror.objects[tree.key]
    stores.mirror.place(tree.key, content.replace(b"one.png", b"two.png"))
    empty = InMemoryProjectFiles()

    with pytest.raises(ChecksumError):
        restore(empty, manifest, [stores.mirror])

    assert contents(empty) == {}
    restore(empty, manifest, [stores.mirror, stores.offsite])
    assert contents(empty) == contents(source)


def test_a_backup_without_files_says_so(source: InMemoryProjectFiles, stores: Stores) -> None:
    source.listing_error = StorageUnavailableError("It did not answer", operation="list")
    manifest = stores.back_up(source)

    with pytest.raises(InvalidRequestError, match="holds no files: It did not answer"):
        restore(source, manifest, [stores.mirror])


@pytest.mark.parametrize("texts", [(), ("",), ("/",)])
def test_a_choice_that_says_nothing_is_refused(texts: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequestError, match="not said which files"):
        FileChoice(texts)
