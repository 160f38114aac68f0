from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from supakeep.domain.backup_name import BackupName
from supakeep.errors import (
    BackupNotFoundError,
    FormatVersionError,
    InvalidRequestError,
    ManifestError,
    StorageUnavailableError,
)
from supakeep.usecases.find_backups import find_backup
from supakeep.usecases.list_backups import list_backups
from tests.builders.manifests import PROJECT, a_manifest, place_backup
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON


@pytest.fixture
def primary() -> InMemoryObjectStore:
    return InMemoryObjectStore(piece_bytes=4096)


@pytest.fixture
def mirror() -> InMemoryObjectStore:
    return InMemoryObjectStore("mirror", piece_bytes=4096)


def days_ago(days: int) -> dt.datetime:
    return NOON - dt.timedelta(days=days)


def damage(store: InMemoryObjectStore, name: BackupName) -> None:
    content = store.objects[name.manifest_key]
    store.place(name.manifest_key, content.replace(b'"rows": 0', b'"rows": 7'))


def test_backups_are_listed_newest_first_with_the_stores_that_hold_them(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    for days in (3, 1, 2):
        place_backup(primary, at=days_ago(days))
    place_backup(mirror, at=days_ago(1))
    place_backup(mirror, at=days_ago(9))

    listing = list_backups([primary, mirror], PROJECT)

    assert [(found.name, found.stores) for found in listing.backups] == [
        (BackupName.timed(PROJECT, days_ago(1)), ("primary", "mirror")),
        (BackupName.timed(PROJECT, days_ago(2)), ("primary",)),
        (BackupName.timed(PROJECT, days_ago(3)), ("primary",)),
        (BackupName.timed(PROJECT, days_ago(9)), ("mirror",)),
    ]
    assert listing.problems == {}


def test_only_what_has_a_manifest_is_a_backup(primary: InMemoryObjectStore) -> None:
    primary.place("daily/backup_jewelshot_2026-11-21.sql.json", b"{}")
    primary.place("daily/backup_jewelshot_2026-11-20.sql.json.001", b"{}")
    primary.place("daily/notes.manifest.json", b"{}")

    assert list_backups([primary], PROJECT).backups == ()


def test_another_projects_backups_are_listed_only_where_all_are_asked_for(
    primary: InMemoryObjectStore,
) -> None:
    own = place_backup(primary)
    other = place_backup(primary, project=f"{PROJECT}-two", at=days_ago(1))

    assert [found.name for found in list_backups([primary], PROJECT).backups] == [own]
    assert [found.name for found in list_backups([primary]).backups] == [own, other]


def test_more_backups_than_one_page_of_a_listing_are_all_found(
    primary: InMemoryObjectStore,
) -> None:
    names = [place_backup(primary, at=days_ago(days)) for days in range(130)]

    assert [found.name for found in list_backups([primary], PROJECT).backups] == names


def test_a_backup_with_a_damaged_manifest_is_listed_with_what_is_wrong(
    primary: InMemoryObjectStore,
) -> None:
    name = place_backup(primary)
    damage(primary, name)

    [found] = list_backups([primary], PROJECT).backups

    assert (found.name, found.manifest) == (name, None)
    assert found.problem is not None
    assert "its checksum does not match" in found.problem.message


def test_a_backup_that_is_whole_in_the_mirror_is_listed_from_there(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    name = place_backup(primary)
    place_backup(mirror)
    damage(primary, name)

    [found] = list_backups([primary, mirror], PROJECT).backups

    assert (found.stores, found.problem) == (("mirror",), None)
    assert found.manifest == a_manifest()


def test_a_backup_that_is_pruned_while_it_is_listed_is_not_there(
    primary: InMemoryObjectStore,
) -> None:
    class Pruned(InMemoryObjectStore):
        @contextmanager
        def read(self, key: str) -> Iterator[Iterator[bytes]]:
            self.delete(key)
            with super().read(key) as pieces:
                yield pieces

    store = Pruned()
    place_backup(store)

    assert list_backups([store], PROJECT).backups == ()


def test_a_store_that_fails_is_reported_beside_what_the_other_holds(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    name = place_backup(mirror)

    listing = list_backups([FailingObjectStore(primary, "list"), mirror], PROJECT)

    assert [found.name for found in listing.backups] == [name]
    assert listing.problems["primary"].message == "primary did not answer"


def test_a_manifest_that_cannot_be_read_now_is_a_problem_of_the_store(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    place_backup(primary)
    place_backup(mirror)

    listing = list_backups([FailingObjectStore(primary, "read"), mirror], PROJECT)

    assert [found.stores for found in listing.backups] == [("mirror",)]
    assert "primary" in listing.problems


def test_where_no_store_answers_the_first_ones_error_is_raised(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    failing = [FailingObjectStore(store, "list") for store in (primary, mirror)]

    with pytest.raises(StorageUnavailableError, match="primary did not answer"):
        list_backups(failing, PROJECT)


def test_a_backup_is_found_by_its_name_in_the_first_store(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    name = place_backup(primary)
    place_backup(mirror)

    found = find_backup([primary, mirror], name.text, PROJECT, now=NOON)

    assert (found.stores[0], found.manifest.backup) == (primary, name.text)


@pytest.mark.parametrize("fault", ["missing", "damaged", "unavailable", "no bucket"])
def test_the_mirror_is_asked_where_the_primary_cannot_give_it(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore, fault: str
) -> None:
    name = place_backup(mirror)
    if fault == "damaged":
        place_backup(primary)
        damage(primary, name)
    primary.has_bucket = fault != "no bucket"
    first = FailingObjectStore(primary, "read") if fault == "unavailable" else primary

    found = find_backup([first, mirror], name.text, PROJECT, now=NOON)

    assert (found.read_from, found.manifest.backup) == ("mirror", name.text)
    # a copy that is merely elsewhere is no reason to look
    assert len(found.notices) == (fault != "missing")
    assert all(notice.startswith("primary: ") for notice in found.notices)


def test_damage_is_reported_rather_than_that_the_mirror_does_not_know_the_name(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    name = place_backup(primary)
    damage(primary, name)

    with pytest.raises(ManifestError):
        find_backup([mirror, primary], name.text, PROJECT, now=NOON)
    with pytest.raises(ManifestError):
        find_backup([primary, mirror], name.text, PROJECT, now=NOON)


def test_a_name_that_nobody_has_is_reported_with_where_to_look(
    primary: InMemoryObjectStore,
) -> None:
    with pytest.raises(BackupNotFoundError) as missing:
        find_backup([primary], "backup_jewelshot_2020-01-01", PROJECT, now=NOON)

    assert missing.value.message == "No backup is named backup_jewelshot_2020-01-01"
    assert missing.value.hint is not None
    assert "supakeep list" in missing.value.hint


def test_a_malformed_name_is_refused(primary: InMemoryObjectStore) -> None:
    with pytest.raises(InvalidRequestError, match="is not the name of a backup"):
        find_backup([primary], "../../etc/passwd", PROJECT, now=NOON)


def test_a_manifest_of_a_newer_format_is_refused(primary: InMemoryObjectStore) -> None:
    name = BackupName.timed(PROJECT, NOON)
    primary.place(name.manifest_key, b'{"format": "supakeep/2"}')

    with pytest.raises(FormatVersionError, match="reads up to supakeep/1"):
        find_backup([primary], name.text, PROJECT, now=NOON)


def test_latest_is_the_newest_good_backup(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    place_backup(primary, at=days_ago(3))
    good = place_backup(primary, at=days_ago(2))
    place_backup(primary, at=days_ago(1), good=False)
    damage(primary, place_backup(primary, at=days_ago(0)))
    place_backup(primary, at=days_ago(0), project="other")

    found = find_backup([primary, mirror], "latest", PROJECT, now=NOON)

    assert (found.stores[0], found.manifest.name) == (primary, good)


def test_latest_says_which_damaged_backup_it_passed_over(primary: InMemoryObjectStore) -> None:
    damage(primary, place_backup(primary, at=days_ago(3)))
    place_backup(primary, at=days_ago(2))
    newest = place_backup(primary, at=days_ago(1))
    damage(primary, newest)

    found = find_backup([primary], "latest", PROJECT, now=NOON)

    assert found.manifest.name == BackupName.timed(PROJECT, days_ago(2))
    [told] = found.passed_over
    assert told.startswith(f"{newest} was passed over, and may be newer: ")
    assert "its checksum does not match" in told


def test_latest_says_nothing_where_the_newest_is_whole_in_one_store(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    name = place_backup(primary)
    place_backup(mirror)
    damage(primary, name)

    found = find_backup([primary, mirror], "latest", PROJECT, now=NOON)

    assert (found.read_from, found.manifest.name, found.passed_over) == ("mirror", name, ())


def test_a_damaged_daily_backup_of_the_same_day_may_be_newer(primary: InMemoryObjectStore) -> None:
    place_backup(primary)
    daily = BackupName.daily(PROJECT, NOON)
    primary.place(daily.manifest_key, b"{")

    found = find_backup([primary], "latest", PROJECT, now=NOON)

    assert [told.partition(" ")[0] for told in found.passed_over] == [daily.text]


def test_latest_says_where_a_store_could_not_be_listed(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    place_backup(mirror)

    found = find_backup([FailingObjectStore(primary, "list"), mirror], "latest", PROJECT, now=NOON)

    assert found.passed_over == (
        "A newer backup may exist: primary could not be listed: primary did not answer",
    )


def test_a_backup_that_is_dated_in_the_future_is_not_latest(primary: InMemoryObjectStore) -> None:
    good = place_backup(primary, at=days_ago(1))
    future = place_backup(primary, at=days_ago(-1))

    found = find_backup([primary], "latest", PROJECT, now=NOON)

    assert found.manifest.name == good
    assert found.passed_over == (
        f"{future} was passed over: it is dated in the future (2026-11-23 12:00 UTC)",
    )


def test_a_clock_that_is_some_seconds_ahead_makes_no_future(primary: InMemoryObjectStore) -> None:
    name = place_backup(primary, at=NOON + dt.timedelta(seconds=30))

    assert find_backup([primary], "latest", PROJECT, now=NOON).manifest.name == name


@pytest.mark.parametrize("left", [None, b"a documen"])
def test_a_backup_whose_document_is_not_there_in_full_is_listed_as_damaged(
    primary: InMemoryObjectStore, left: bytes | None
) -> None:
    name = place_backup(primary)
    primary.delete(name.document_key)
    if left is not None:
        primary.place(name.document_key, left)

    [found] = list_backups([primary], PROJECT).backups

    assert found.manifest is None
    assert found.problem is not None
    assert found.problem.message.startswith(f"{name.document_key} is damaged: it ")


def test_a_backup_whose_document_only_the_mirror_has_in_full_is_listed_from_there(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    name = place_backup(primary)
    place_backup(mirror)
    primary.delete(name.document_key)

    [found] = list_backups([primary, mirror], PROJECT).backups

    assert (found.stores, found.problem) == (("mirror",), None)


def test_latest_may_be_only_in_the_mirror(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    place_backup(primary, at=days_ago(2))
    newest = place_backup(mirror, at=days_ago(1))

    found = find_backup([primary, mirror], "latest", PROJECT, now=NOON)

    assert (found.stores[0], found.manifest.name) == (mirror, newest)


def test_there_is_no_latest_where_no_backup_is_good(primary: InMemoryObjectStore) -> None:
    place_backup(primary, good=False)

    with pytest.raises(BackupNotFoundError, match="Project jewelshot has no good backup"):
        find_backup([primary], "latest", PROJECT, now=NOON)
