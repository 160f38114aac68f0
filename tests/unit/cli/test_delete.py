"""`supakeep delete`: confirmed with the project's ref, and only while nothing is at work."""

from __future__ import annotations

import datetime as dt

import pytest

from supakeep.domain.manifest import Trigger
from supakeep.domain.run import Run, RunKind
from supakeep.errors import ObjectLockedError
from supakeep.runs.in_memory import InMemoryRunStore
from tests.builders.manifests import PROJECT, place_backup
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON, FixedClock
from tests.unit.cli.conftest import Supakeep, Surroundings

RUN = "20261122T115900Z-1a2b3c4d"


@pytest.fixture(autouse=True)
def runs(around: Surroundings) -> InMemoryRunStore:
    around.clock = FixedClock()
    around.adapters["run_store"] = runs = InMemoryRunStore()
    return runs


@pytest.fixture
def old(primary: InMemoryObjectStore, mirror: InMemoryObjectStore) -> str:
    """A backup in both stores, beside a newer one."""
    at = NOON - dt.timedelta(days=1)
    names = set()
    for store in (primary, mirror):
        place_backup(store)
        names.add(place_backup(store, at=at).text)
    [name] = names
    return name


def test_a_confirmed_deletion_says_what_went_from_which_store(
    supakeep: Supakeep, old: str, primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    ended = supakeep("delete", old, "--confirm", PROJECT)

    assert (ended.code, ended.err) == (0, "")
    assert f"{old}: 2 objects removed from primary (" in ended.out
    assert f"{old}: 2 objects removed from mirror (" in ended.out
    assert f"    daily/{old}.manifest.json\n" in ended.out
    for store in (primary, mirror):
        assert not any(old in key for key in store.objects)
        assert len(store.of_backups) == 2


def test_its_run_is_recorded_with_what_went(
    supakeep: Supakeep, old: str, runs: InMemoryRunStore
) -> None:
    supakeep("delete", old, "--confirm", PROJECT)

    [run] = runs.list(10)
    assert (run.kind, run.status, run.backup) == (RunKind.DELETE, "complete", old)
    assert "2 objects removed from primary" in supakeep("runs", run.id).out


@pytest.mark.parametrize("confirm", [[], ["--confirm", "another"], ["--confirm", ""]])
def test_without_the_right_ref_nothing_goes(
    supakeep: Supakeep, old: str, primary: InMemoryObjectStore, confirm: list[str]
) -> None:
    before = dict(primary.objects)

    ended = supakeep("delete", old, *confirm)

    assert ended.code == 1
    assert "was not confirmed" in ended.err
    assert f"--confirm {PROJECT}" in ended.err
    assert primary.objects == before


def test_a_dry_run_needs_no_confirmation(
    supakeep: Supakeep, old: str, primary: InMemoryObjectStore
) -> None:
    before = dict(primary.objects)

    ended = supakeep("delete", old, "--dry-run")

    assert ended.code == 0
    assert f"{old}: 2 objects would be removed from primary" in ended.out
    assert primary.objects == before


def test_json_has_the_keys_by_store(supakeep: Supakeep, old: str) -> None:
    report = supakeep("delete", old, "--from", "mirror", "--confirm", PROJECT, "--json").json

    [store] = report["stores"]
    assert report["backup"] == old
    assert store["store"] == "mirror"
    assert store["removed"] == [f"daily/{old}.manifest.json", f"daily/{old}.sql.json"]
    assert store["problem"] is None


def test_a_pinned_backup_is_refused_with_the_command_that_unpins_it(
    supakeep: Supakeep, old: str
) -> None:
    supakeep("pin", old)

    ended = supakeep("delete", old, "--confirm", PROJECT)

    assert ended.code == 1
    assert "is pinned" in ended.err
    assert f"supakeep unpin {old}" in ended.err


def test_the_last_good_backup_is_refused(supakeep: Supakeep, old: str) -> None:
    assert supakeep("delete", old, "--confirm", PROJECT).code == 0
    [left] = supakeep("list", "--json").json["backups"]

    ended = supakeep("delete", left["name"], "--confirm", PROJECT)

    assert ended.code == 1
    assert "no other good backup is in primary" in ended.err


@pytest.mark.parametrize("lease", ["database", "prune"])
def test_while_a_run_is_at_work_nothing_goes(
    supakeep: Supakeep, old: str, runs: InMemoryRunStore, lease: str
) -> None:
    runs.acquire_lease(lease, RUN, NOON, NOON + dt.timedelta(minutes=5))

    ended = supakeep("delete", old, "--confirm", PROJECT)

    assert ended.code == 1
    assert f"Run {RUN} is at work" in ended.err
    runs.release_lease(lease, RUN)
    assert supakeep("delete", old, "--confirm", PROJECT).code == 0


def test_a_backup_that_a_verification_reads_is_not_deleted(
    supakeep: Supakeep, old: str, runs: InMemoryRunStore
) -> None:
    reading = Run(id=RUN, kind=RunKind.VERIFY, trigger=Trigger.API, requested_at=NOON, backup=old)
    runs.create(reading.started(NOON))

    ended = supakeep("delete", old, "--confirm", PROJECT)

    assert ended.code == 1
    assert f"A run is reading {old}" in ended.err


def test_a_locked_object_makes_the_end_partial(
    supakeep: Supakeep, old: str, around: Surroundings, mirror: InMemoryObjectStore
) -> None:
    lock = ObjectLockedError("still locked until 2027-01-31", operation="delete")
    around.adapters["copies"] = [FailingObjectStore(mirror, "delete", error=lock)]

    ended = supakeep("delete", old, "--confirm", PROJECT)

    assert ended.code == 3
    assert "2 objects are left in mirror: still locked until 2027-01-31" in ended.out


def test_latest_is_not_a_name_here(supakeep: Supakeep, old: str) -> None:
    ended = supakeep("delete", "latest", "--confirm", PROJECT)

    assert ended.code == 1
    assert "'latest' is not the name of a backup" in ended.err
    assert supakeep("show", old).code == 0


def test_another_projects_backup_in_the_same_store_is_left_to_that_project(
    supakeep: Supakeep, old: str, primary: InMemoryObjectStore
) -> None:
    other = place_backup(primary, project="another")

    ended = supakeep("delete", other.text, "--confirm", "another")

    assert ended.code == 1
    assert "is a backup of project another" in ended.err
    assert supakeep("show", old).code == 0


def test_a_backup_in_a_folder_is_deleted_without_the_settings_of_a_project(
    supakeep: Supakeep, backup_in_copies: str, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    around.clock = FixedClock(NOON + dt.timedelta(minutes=1))
    supakeep("backup", "--to", "copies")
    monkeypatch.delenv("NEXT_PUBLIC_SUPABASE_URL")

    ended = supakeep("delete", backup_in_copies, "--from", "copies", "--confirm", PROJECT)

    assert (ended.code, ended.err) == (0, "")
    assert backup_in_copies not in supakeep("list", "--from", "copies").out
