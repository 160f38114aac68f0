"""A backup also holds the files of Storage, in the copies outside the project."""

from __future__ import annotations

import pytest

from supakeep.archive.encoding import Encoding
from supakeep.domain.backed_up_files import BucketFiles
from supakeep.domain.file_key import FileKey
from supakeep.domain.files_policy import FilesPolicy
from supakeep.domain.manifest import BackupStatus
from supakeep.domain.project_file import ProjectFile
from supakeep.domain.prune_hold import prune_hold
from supakeep.errors import (
    LeaseHeldError,
    StoragePermissionError,
    StorageUnavailableError,
)
from tests.builders.file_backups import Stores, contents, files_in, some_files, tree_of
from tests.builders.keys import OURS
from tests.builders.manifests import PROJECT
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.project_files import InMemoryProjectFiles
from tests.fakes.time import NOON, Lasts

LONG = "ü" * 510 + "/end"
AWKWARD = ["../../etc/passwd", "a b/ c.png", "emoji 🐘/🦣.png", "a", "a/b", LONG]


@pytest.fixture
def source() -> InMemoryProjectFiles:
    return some_files()


@pytest.fixture
def stores() -> Stores:
    return Stores()


def test_a_backup_names_every_file_and_each_copy_outside_the_project_holds_it(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    manifest = stores.back_up(source)

    for store in (stores.mirror, stores.offsite):
        assert contents(manifest, store) == {
            "avatars/folder/two.png": b"the second one",
            "avatars/one.png": b"the first picture",
            "papers/tax.pdf": b"",
        }
    assert files_in(stores.primary) == {}
    assert manifest.status is BackupStatus.COMPLETE
    assert manifest.files is not None
    assert (manifest.files.files, manifest.files.bytes, manifest.files.copied) == (3, 31, 3)
    head, *lines = tree_of(manifest, stores.primary)
    assert head == {"format": "supakeep-files/1", "backup": manifest.backup, "project": PROJECT}
    assert lines[0]["bucket"]["id"] == "avatars"
    assert lines[0]["bucket"]["allowed_mime_types"] == ["image/*"]
    one = next(line["file"] for line in lines if line.get("file", {}).get("name") == "one.png")
    assert (one["content_type"], one["cache_control"]) == ("image/png", "max-age=3600")


def test_the_list_of_objects_says_what_a_copy_must_hold(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    manifest = stores.back_up(source)

    assert manifest.files is not None
    [keys] = manifest.files.keys
    listed = stores.mirror.objects[keys.key].decode().splitlines()
    assert listed == sorted(f"{key} {len(held)}" for key, held in files_in(stores.mirror).items())


def test_only_what_is_new_or_changed_is_read_and_stored_by_the_next_backup(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    first = stores.back_up(source)
    before = files_in(stores.mirror)
    source.reads.clear()
    source.put("avatars", "one.png", b"another picture")
    source.put("avatars", "three.png", b"a third")
    source.delete("papers", "tax.pdf")

    second = stores.back_up(source)

    assert sorted(source.reads) == ["avatars/one.png", "avatars/three.png"]
    assert files_in(stores.mirror).items() >= before.items()
    assert contents(first, stores.mirror)["avatars/one.png"] == b"the first picture"
    assert contents(second, stores.mirror) == {
        "avatars/folder/two.png": b"the second one",
        "avatars/one.png": b"another picture",
        "avatars/three.png": b"a third",
    }


def test_awkward_names_come_into_no_key_and_back_unchanged(stores: Stores) -> None:
    source = InMemoryProjectFiles()
    for name in AWKWARD:
        source.put("odd bucket", name, name.encode())

    manifest = stores.back_up(source)

    assert contents(manifest, stores.mirror) == {
        f"odd bucket/{name}": name.encode() for name in sorted(AWKWARD)
    }
    assert all(FileKey.parse(key) for key in files_in(stores.mirror))
    assert manifest.status is BackupStatus.COMPLETE


def test_buckets_are_chosen_by_patterns(source: InMemoryProjectFiles, stores: Stores) -> None:
    manifest = stores.back_up(source, FilesPolicy(buckets=["*"], exclude=["pap*"]))

    assert set(contents(manifest, stores.mirror)) == {"avatars/one.png", "avatars/folder/two.png"}


def test_a_bucket_that_is_named_and_missing_is_a_problem(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    manifest = stores.back_up(source, FilesPolicy(buckets=["avatar"]))

    assert manifest.files is not None
    [problem] = manifest.files.problems
    assert problem.message == "There is no bucket avatar in the project's Storage"
    assert manifest.status is BackupStatus.PARTIAL
    assert manifest.is_good


def test_a_file_over_the_limit_is_named_and_left_out(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    manifest = stores.back_up(source, FilesPolicy(buckets=["*"], max_bytes=14))

    assert contents(manifest, stores.mirror)["avatars/one.png"] is None
    [line] = [
        e["file"] for e in tree_of(manifest, stores.mirror) if e.get("file", {}).get("missing")
    ]
    assert (line["name"], line["missing"]) == ("one.png", "larger than 14 bytes")
    assert manifest.files is not None
    assert (manifest.files.too_large, manifest.files.left, manifest.files.files) == (1, 0, 2)
    assert manifest.status is BackupStatus.COMPLETE


def test_a_file_that_is_replaced_meanwhile_is_there_in_its_new_version(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    replacements = iter([b"meanwhile another one"])

    def replace(file: ProjectFile) -> None:
        if file.name == "one.png" and (content := next(replacements, None)) is not None:
            source.put("avatars", "one.png", content)

    source.before_read = replace

    manifest = stores.back_up(source)

    assert contents(manifest, stores.mirror)["avatars/one.png"] == b"meanwhile another one"
    assert manifest.files is not None
    assert manifest.files.bytes == 35


def test_a_file_that_never_stands_still_is_left_for_the_next_backup(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    def replace(file: ProjectFile) -> None:
        if file.name == "one.png":
            source.put("avatars", "one.png", f"version {len(source.reads)}".encode())

    source.before_read = replace

    manifest = stores.back_up(source)

    assert manifest.files is not None
    assert (manifest.files.left, manifest.files.files) == (1, 2)
    [problem] = manifest.files.problems
    assert "avatars/one.png was replaced" in problem.message
    assert manifest.status is BackupStatus.PARTIAL
    assert contents(manifest, stores.mirror)["avatars/one.png"] is None


def test_a_file_that_is_cut_short_is_read_again(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    def cut(file: ProjectFile) -> None:
        if source.reads.count(file.path) < 3:
            raise StorageUnavailableError("It was cut short", operation="read file")

    source.before_read = cut

    assert stores.back_up(source).status is BackupStatus.COMPLETE


def test_a_run_that_is_cut_off_leaves_its_files_to_the_next_one(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    def lose_the_lease(_: ProjectFile) -> None:
        if len(source.reads) == 3:
            raise LeaseHeldError("Another run is at work", operation="confirm lease")

    source.before_read = lose_the_lease
    with pytest.raises(LeaseHeldError):
        stores.back_up(source)
    stored = len(files_in(stores.offsite))
    assert stored >= 1
    source.before_read = lambda _: None
    source.reads.clear()

    manifest = stores.back_up(source)

    assert len(source.reads) == 3 - stored
    assert manifest.files is not None
    assert (manifest.files.files, manifest.files.copied) == (3, 3 - stored)
    assert manifest.status is BackupStatus.COMPLETE


def test_a_run_without_time_for_files_says_so(source: InMemoryProjectFiles, stores: Stores) -> None:
    manifest = stores.back_up(source, time=Lasts(119))

    assert manifest.files is not None
    assert manifest.files.problems[0].message == "The time of this run was used up"
    assert manifest.status is BackupStatus.PARTIAL


def test_the_time_that_is_up_between_two_files_leaves_the_others_to_the_next_backup(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    class UpAfterOneFile(Lasts):
        def seconds_left(self) -> float | None:
            return 119 if source.reads else 600

    manifest = stores.back_up(source, time=UpAfterOneFile(None))

    assert manifest.files is not None
    left = manifest.files.left
    assert left >= 1
    [problem] = manifest.files.problems
    assert problem.message.startswith(
        f"{left} file{'s' if left > 1 else ''} left for the next backup"
    )
    assert manifest.status is BackupStatus.PARTIAL

    following = stores.back_up(source)

    assert following.files is not None
    assert following.files.copied == left
    assert following.status is BackupStatus.COMPLETE


def test_a_copy_that_fails_is_named_and_gets_its_files_from_another_copy_next_time(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    error = StoragePermissionError("Permission denied", operation="upload")
    failing = FailingObjectStore(stores.offsite, "put", error=error, key_part="files/")

    first = stores.back_up(source, stores=[stores.mirror, failing])
    source.reads.clear()
    second = stores.back_up(source)

    assert first.files is not None
    assert (first.files.files, first.files.left) == (3, 3)
    [problem] = first.files.problems
    assert problem.message == "Files are missing in offsite: Permission denied"
    assert first.status is BackupStatus.PARTIAL
    held = prune_hold([first], None, NOON.replace(year=2027))
    assert held is not None
    assert problem.message in held.message
    assert source.reads == []
    assert second.status is BackupStatus.COMPLETE
    assert files_in(stores.offsite) == files_in(stores.mirror)


def test_when_storage_shows_no_files_the_rows_are_backed_up_all_the_same(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    source.listing_error = StorageUnavailableError("It did not answer", operation="list buckets")

    manifest = stores.back_up(source)

    assert manifest.files is not None
    assert [problem.message for problem in manifest.files.problems] == ["It did not answer"]
    assert manifest.files.objects == ()
    assert manifest.is_good


def test_encrypted_files_show_neither_names_nor_contents_nor_hashes(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    encoding = Encoding(recipients=(OURS.public,))

    first = stores.back_up(source, encoding=encoding)
    source.reads.clear()
    second = stores.back_up(source, encoding=encoding)

    assert source.reads == []
    assert second.status is BackupStatus.COMPLETE
    everything = b"".join(k.encode() + v for k, v in stores.mirror.objects.items())
    assert b"one.png" not in everything
    assert b"the first picture" not in everything
    lines = tree_of(first, stores.mirror, OURS.private)
    names = {line["file"]["name"] for line in lines if "file" in line}
    assert names == {"one.png", "folder/two.png", "tax.pdf"}
    assert all(key.endswith(".age") for key in files_in(stores.mirror))


def test_files_and_bytes_are_counted_for_each_bucket(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    source.bucket_ids.add("empty")

    manifest = stores.back_up(source, FilesPolicy(buckets=["*"], max_bytes=14))

    assert manifest.files is not None
    assert manifest.files.per_bucket == (
        BucketFiles(bucket="avatars", files=1, bytes=14),
        BucketFiles(bucket="empty"),
        BucketFiles(bucket="papers", files=1),
    )
    assert sum(each.bytes for each in manifest.files.per_bucket) == manifest.files.bytes


def test_what_a_copy_lacks_is_counted_for_its_bucket(
    source: InMemoryProjectFiles, stores: Stores
) -> None:
    def cut(file: ProjectFile) -> None:
        if file.bucket == "papers":
            raise StoragePermissionError("Permission denied", operation="read file")

    source.before_read = cut

    manifest = stores.back_up(source)

    assert manifest.files is not None
    assert {each.bucket: each.left for each in manifest.files.per_bucket} == {
        "avatars": 0,
        "papers": 1,
    }
