"""A file that Storage lists and does not give is gone, or the backup is not whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from supakeep.archive.encoding import Encoding
from supakeep.domain.manifest import BackupStatus
from supakeep.domain.project_file import ProjectFile
from supakeep.errors import BucketNotFoundError, ObjectNotFoundError, StorageError
from tests.builders.file_backups import Stores, contents, some_files, tree_of
from tests.builders.keys import OURS
from tests.fakes.project_files import InMemoryProjectFiles

LOST = "avatars/one.png is listed by Storage, which has no object for it"


@pytest.fixture
def source() -> InMemoryProjectFiles:
    return some_files()


@pytest.fixture
def stores() -> Stores:
    return Stores()


def not_found(error: StorageError) -> Callable[[ProjectFile], None]:
    def fail(file: ProjectFile) -> None:
        if file.name == "one.png":
            raise error

    return fail


NOT_FOUND = ObjectNotFoundError("avatars/one.png is not in Storage", operation="read file")


def test_a_file_that_is_gone_meanwhile_is_left_out_and_counted(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    def vanish(file: ProjectFile) -> None:
        if file.name == "one.png":
            source.held.pop(("avatars", "one.png"), None)

    source.before_read = vanish

    manifest = stores.back_up(source)

    assert set(contents(manifest, stores.mirror)) == {"avatars/folder/two.png", "papers/tax.pdf"}
    assert manifest.files is not None
    assert (manifest.files.left_out, manifest.files.left, manifest.files.files) == (1, 0, 2)
    assert manifest.status is BackupStatus.COMPLETE


def test_the_files_of_a_bucket_that_is_deleted_meanwhile_are_left_out_and_counted(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    def delete_bucket(file: ProjectFile) -> None:
        if file.bucket == "papers":
            source.held.pop(("papers", "tax.pdf"), None)
            raise BucketNotFoundError("Storage bucket not found", operation="read file")

    source.before_read = delete_bucket

    manifest = stores.back_up(source)

    assert manifest.files is not None
    assert manifest.files.left_out == 1
    assert manifest.status is BackupStatus.COMPLETE


class BucketsAreMissed(InMemoryProjectFiles):
    """As servers that answer 404 where files of a missing bucket are listed."""

    def __init__(self) -> None:
        super().__init__()
        self.missed: set[str] = set()

    def files(self, bucket: str, prefix: str = "") -> Iterator[ProjectFile]:
        if bucket in self.missed:
            raise BucketNotFoundError("Storage bucket not found", operation="list files")
        yield from super().files(bucket, prefix)


@pytest.mark.parametrize("is_hidden", [False, True], ids=["is gone", "is still listed"])
def test_a_bucket_that_is_missed_and_still_listed_is_not_taken_for_a_deleted_one(
    stores: Stores, *, is_hidden: bool
) -> None:
    source = BucketsAreMissed()
    source.put("papers", "tax.pdf", b"a paper")
    source.put("avatars", "one.png", b"a picture")

    def miss(file: ProjectFile) -> None:
        if file.bucket == "papers":
            source.missed.add("papers")
            source.bucket_ids -= set() if is_hidden else {"papers"}
            raise BucketNotFoundError("Storage bucket not found", operation="read file")

    source.before_read = miss

    manifest = stores.back_up(source)

    assert manifest.files is not None
    assert (manifest.files.left, manifest.files.left_out) == ((1, 0) if is_hidden else (0, 1))


def test_a_file_that_is_listed_and_has_no_object_makes_the_backup_partial(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    source.before_read = not_found(NOT_FOUND)

    manifest = stores.back_up(source)

    assert manifest.status is BackupStatus.PARTIAL
    assert manifest.files is not None
    assert (manifest.files.left, manifest.files.left_out, manifest.files.files) == (1, 0, 2)
    [problem] = manifest.files.problems
    assert problem.message == f"1 file could not be copied; the first: {LOST}"
    assert "Upload the file again" in str(problem.hint)
    [line] = (e["file"] for e in tree_of(manifest, stores.mirror) if "missing" in e.get("file", {}))
    assert (line["name"], line["missing"]) == ("one.png", LOST)


def test_the_manifest_of_an_encrypted_backup_does_not_say_which_file_has_no_object(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    source.before_read = not_found(NOT_FOUND)

    manifest = stores.back_up(source, encoding=Encoding(recipients=(OURS.public,)))

    assert manifest.status is BackupStatus.PARTIAL
    assert "one.png" not in manifest.model_dump_json()


def test_a_file_that_has_an_object_again_is_in_the_backup(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    def replace(file: ProjectFile) -> None:
        if source.reads.count("avatars/one.png") == 1 and file.name == "one.png":
            source.put("avatars", "one.png", b"uploaded again")
            raise NOT_FOUND

    source.before_read = replace

    manifest = stores.back_up(source)

    assert contents(manifest, stores.mirror)["avatars/one.png"] == b"uploaded again"
    assert manifest.status is BackupStatus.COMPLETE
