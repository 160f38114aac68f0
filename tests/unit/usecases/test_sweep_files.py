"""A prune removes the files that no kept backup names, and never one that may be needed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from supakeep.domain.manifest import Manifest
from supakeep.domain.prune import PruneReport
from supakeep.domain.swept_files import SweptFiles
from supakeep.errors import StorageUnavailableError
from supakeep.ports import ObjectStore, StoredObject
from tests.builders.file_backups import Stores, contents, files_in, some_files
from tests.builders.manifests import PROJECT
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.project_files import InMemoryProjectFiles
from tests.unit.usecases.pruning import prune

ORPHAN = f"files/{PROJECT}/4e/4e{'0' * 30}.{'6' * 64}"


@pytest.fixture
def stores() -> Stores:
    return Stores()


@pytest.fixture
def newest(stores: Stores) -> Manifest:
    """The backups of ten nights. Each night one file is replaced; the first nights had another one too."""
    source = some_files()
    source.put("avatars", "old.png", b"of the first nights")
    for night in range(9):
        if night == 2:
            source.delete("avatars", "old.png")
        source.put("avatars", "one.png", f"night {night}".encode())
        stores.back_up(source)
    source.put("avatars", "one.png", b"night 9")
    return stores.back_up(source)


def sweep(stores: Stores, *places: ObjectStore, **options: object) -> PruneReport:
    everywhere = places or (stores.primary, stores.mirror, stores.offsite)
    return prune(*everywhere, at=stores.clock.now(), **options)  # type: ignore[arg-type]


def swept(report: PruneReport, store: str) -> SweptFiles:
    [found] = [each.files for each in report.stores if each.store == store]
    assert found is not None
    return found


def kept_contents(store: InMemoryObjectStore) -> set[bytes]:
    return set(files_in(store).values())


def test_only_files_that_no_kept_backup_names_go(stores: Stores, newest: Manifest) -> None:
    report = sweep(stores)

    # less than seven days are kept: the last seven nights
    expected = {f"night {night}".encode() for night in range(3, 10)} | {b"the second one", b""}
    for name, store in (("mirror", stores.mirror), ("offsite", stores.offsite)):
        assert kept_contents(store) == expected
        assert (swept(report, name).removed, swept(report, name).kept) == (4, len(expected))
    assert None not in contents(newest, stores.mirror).values()
    assert not report.problems


def test_a_file_whose_key_stands_across_two_volumes_of_the_list_stays(stores: Stores) -> None:
    source = some_files()
    for number in range(300):
        source.put("avatars", f"{number}.png", f"picture {number}".encode())
    manifest = stores.back_up(source)
    assert manifest.files is not None
    assert len(manifest.files.keys) > 2
    before = files_in(stores.mirror)
    stores.clock.advance(days=3)

    report = sweep(stores)

    assert files_in(stores.mirror) == before
    assert swept(report, "mirror").kept == len(before) == 303


def test_a_dry_run_counts_the_same_and_removes_nothing(stores: Stores, newest: Manifest) -> None:
    before = files_in(stores.mirror)

    report = sweep(stores, dry_run=True)

    assert (swept(report, "mirror").removed, swept(report, "mirror").removed_bytes) == (4, 40)
    assert files_in(stores.mirror) == before


def test_a_file_that_a_run_may_just_have_stored_stays(stores: Stores, newest: Manifest) -> None:
    stores.mirror.place(ORPHAN, b"x", modified_at=stores.clock.now() - dt.timedelta(hours=47))
    stores.offsite.place(ORPHAN, b"x", modified_at=stores.clock.now() - dt.timedelta(hours=49))

    sweep(stores)

    assert ORPHAN in stores.mirror.objects
    assert ORPHAN not in stores.offsite.objects


def test_nothing_that_is_not_ours_is_touched(stores: Stores, newest: Manifest) -> None:
    old = stores.clock.now() - dt.timedelta(days=99)
    others = [f"files/{PROJECT}/4e/readme.txt", ORPHAN.replace(PROJECT, f"{PROJECT}x"), "files/a"]
    for key in others:
        stores.mirror.place(key, b"x", modified_at=old)

    sweep(stores)

    assert set(others) <= stores.mirror.objects.keys()


def test_files_stay_while_a_backup_is_being_made(stores: Stores, newest: Manifest) -> None:
    before = files_in(stores.mirror)

    report = sweep(stores, is_backing_up=lambda: True)

    assert swept(report, "mirror").waits == "a backup is being made"
    assert files_in(stores.mirror) == before


def test_a_backup_that_only_another_store_still_has_keeps_its_files_in_every_copy(
    stores: Stores, newest: Manifest
) -> None:
    before = files_in(stores.mirror)

    sweep(stores, stores.mirror, beside=[stores.primary, stores.offsite])

    assert files_in(stores.mirror) == before


def test_where_no_copy_of_a_list_can_be_read_nothing_is_removed(
    stores: Stores, newest: Manifest
) -> None:
    for store in (stores.primary, stores.mirror, stores.offsite):
        _flip(store, newest)
    before = files_in(stores.mirror)

    report = sweep(stores)

    problem = swept(report, "mirror").problem
    assert problem is not None
    assert problem.message.startswith("No file was removed")
    assert problem in report.problems
    assert files_in(stores.mirror) == before


def test_a_list_is_read_from_another_copy_where_one_is_damaged(
    stores: Stores, newest: Manifest
) -> None:
    _flip(stores.mirror, newest)
    _flip(stores.primary, newest)

    report = sweep(stores)

    assert swept(report, "mirror").removed == 4
    assert None not in contents(newest, stores.mirror).values()


@pytest.mark.parametrize("harm", ["cut short", "gone"])
def test_a_list_that_is_not_there_in_full_keeps_all_files(
    stores: Stores, newest: Manifest, harm: str
) -> None:
    assert newest.files is not None
    [keys] = newest.files.keys
    if harm == "gone":
        stores.mirror.delete(keys.key)
    else:
        stores.mirror.place(keys.key, stores.mirror.objects[keys.key][:200])
    before = files_in(stores.mirror)

    report = sweep(stores)

    assert f"the manifest of {newest.backup}" in str(swept(report, "mirror").waits)
    assert files_in(stores.mirror) == before


def _flip(store: InMemoryObjectStore, manifest: Manifest) -> None:
    assert manifest.files is not None
    [keys] = manifest.files.keys
    store.place(keys.key, store.objects[keys.key].replace(b"files/", b"filez/"))


def test_a_backup_whose_manifest_cannot_be_used_keeps_all_files(
    stores: Stores, newest: Manifest
) -> None:
    key = newest.name.manifest_key
    stores.mirror.place(key, stores.mirror.objects[key].replace(b"complete", b"partial "))
    before = files_in(stores.mirror)

    report = sweep(stores)

    assert f"the manifest of {newest.backup}" in str(swept(report, "mirror").waits)
    assert files_in(stores.mirror) == before


def test_a_store_that_cannot_be_listed_keeps_the_files_of_all(
    stores: Stores, newest: Manifest
) -> None:
    error = StorageUnavailableError("It did not answer", operation="list")
    silent = FailingObjectStore(stores.offsite, "list", error=error)
    before = files_in(stores.mirror)

    report = sweep(stores, stores.primary, stores.mirror, silent)

    assert swept(report, "mirror").waits == "offsite could not be listed"
    assert files_in(stores.mirror) == before


def test_a_backup_that_is_made_meanwhile_keeps_all_files(stores: Stores, newest: Manifest) -> None:
    class Meanwhile(InMemoryObjectStore):
        """While its files are listed, somebody makes a backup."""

        def list(self, prefix: str) -> Iterator[StoredObject]:
            yield from super().list(prefix)
            if prefix.endswith("/f"):
                stores.back_up(some_files())

    meanwhile = Meanwhile("mirror")
    vars(meanwhile).update(vars(stores.mirror))
    before = files_in(stores.mirror)

    report = sweep(stores, stores.primary, meanwhile, stores.offsite)

    assert swept(report, "mirror").waits == "a backup was made meanwhile"
    assert files_in(stores.mirror).items() >= before.items()


def test_after_a_backup_that_is_not_complete_no_file_goes(stores: Stores, newest: Manifest) -> None:
    source = InMemoryProjectFiles()
    source.listing_error = StorageUnavailableError("It did not answer", operation="list buckets")
    stores.back_up(source)
    before = files_in(stores.mirror)

    report = sweep(stores)

    assert report.held is not None
    assert files_in(stores.mirror) == before


def test_a_project_without_files_is_not_looked_through(stores: Stores) -> None:
    stores.mirror.place(ORPHAN, b"x", modified_at=stores.clock.now() - dt.timedelta(days=99))

    report = sweep(stores)

    assert [store.files for store in report.stores] == [None, None, None]
    assert ORPHAN in stores.mirror.objects
