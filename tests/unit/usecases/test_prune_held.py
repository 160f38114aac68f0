"""After a backup that is not complete, nothing is removed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from supakeep.archive.manifest import encode_manifest
from supakeep.domain.manifest import (
    CopyState,
    Manifest,
    Shrinkage,
    Trigger,
)
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.run import Run, RunKind, RunStatus
from supakeep.runs.in_memory import InMemoryRunStore
from supakeep.usecases.track_runs import TrackRuns
from tests.builders.manifests import a_manifest, place_backup
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON, FixedClock
from tests.unit.usecases.pruning import days_ago, decisions, name, names_in, prune

LATER = NOON + dt.timedelta(hours=1)
LOST = Shrinkage(message="public.items is empty", hint="Is that right?", table="public.items")


def place(store: InMemoryObjectStore, **update: Any) -> Manifest:
    """The newest backup of the store, of an hour after noon."""
    manifest = a_manifest(at=LATER, good=False).model_copy(update=update)
    store.place(manifest.name.document_key, b"a document", modified_at=LATER)
    store.place(manifest.name.manifest_key, encode_manifest(manifest), modified_at=LATER)
    return manifest


def a_run(status: RunStatus, at: dt.datetime = LATER, **fields: Any) -> Run:
    run = Run(
        id="20261122T130000Z-1a2b3c4d", kind=RunKind.BACKUP, trigger=Trigger.API, requested_at=at
    )
    return run.model_copy(update={"status": status, "finished_at": at, **fields})


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        ({}, "The export failed"),
        ({"tables": (), "shrinkage": (LOST,)}, "public.items is empty"),
        (
            {
                "tables": (),
                "copies": (CopyState(name="mirror", problem=Problem(message="mirror is full")),),
            },
            "mirror is full",
        ),
    ],
    ids=["table", "shrinkage", "copy"],
)
def test_nothing_is_removed_as_long_as_the_newest_backup_is_partial(
    nine_nights: InMemoryObjectStore, update: dict[str, Any], reason: str
) -> None:
    newest = place(nine_nights, **update)
    before = dict(nine_nights.objects)

    report = prune(nine_nights, at=LATER)

    assert nine_nights.objects == before
    assert report.removed == 0
    assert not report.is_whole
    [problem] = report.problems
    assert problem.message == (
        f"Nothing is removed until a complete backup is made: {newest.backup} is partial: {reason}"
    )
    assert problem.hint is not None
    assert "--accept-shrink" in problem.hint
    oldest = decisions(report)[name(8).text]
    assert oldest.reason == "it was to be removed, and waits for a complete backup"
    assert report.stores == prune(nine_nights, at=LATER, dry_run=True).stores


def test_the_next_complete_backup_lets_it_go_on(nine_nights: InMemoryObjectStore) -> None:
    place(nine_nights)
    place_backup(nine_nights, at=LATER + dt.timedelta(hours=1))

    report = prune(nine_nights, at=LATER + dt.timedelta(hours=1))

    assert report.is_whole
    assert report.removed == 2


def test_what_a_crashed_run_left_waits_too(nine_nights: InMemoryObjectStore) -> None:
    place(nine_nights)
    key = name(5.5).document_key
    nine_nights.place(key, b"half of one", modified_at=days_ago(5))
    prune(nine_nights, at=LATER)
    assert key in nine_nights.objects


def test_a_partial_backup_in_one_store_holds_all_of_them(
    nine_nights: InMemoryObjectStore,
) -> None:
    """Only the primary's manifest says that a copy failed; the mirror's says that all is well."""
    mirror = InMemoryObjectStore("mirror", piece_bytes=4096)
    for days in range(9):
        place_backup(mirror, at=days_ago(days))
    failed = CopyState(name="third", problem=Problem(message="third is full"))
    place(nine_nights, tables=(), copies=(failed,))
    place_backup(mirror, at=LATER)

    report = prune(nine_nights, mirror, at=LATER)

    assert report.removed == 0
    assert len(names_in(mirror)) == 10


@pytest.mark.parametrize(
    "update",
    [
        {"trigger": Trigger.PRE_RESTORE},
        {"started_at": NOON + dt.timedelta(days=365)},
    ],
    ids=["an undo copy", "a backup of the future"],
)
def test_what_is_not_the_policys_newest_backup_holds_nothing(
    nine_nights: InMemoryObjectStore, update: dict[str, Any]
) -> None:
    place(nine_nights, **update)
    assert prune(nine_nights, at=LATER).removed == 2


def test_a_backup_that_failed_since_holds_it(nine_nights: InMemoryObjectStore) -> None:
    error = Problem(message="The database did not answer", hint="Is it paused?")
    failed = a_run(RunStatus.FAILED, error=error)

    report = prune(nine_nights, at=LATER, last_run=failed)

    assert report.removed == 0
    assert report.held == Problem(
        message="Nothing is removed until a complete backup is made: the last one failed: "
        "The database did not answer",
        hint="Is it paused?",
    )


@pytest.mark.parametrize(
    "run",
    [
        a_run(RunStatus.COMPLETE),
        # since then a command line without a shared table of runs made a complete one
        a_run(RunStatus.FAILED, NOON - dt.timedelta(hours=1)),
    ],
    ids=["complete", "failed before"],
)
def test_another_last_run_holds_nothing(nine_nights: InMemoryObjectStore, run: Run) -> None:
    assert prune(nine_nights, at=LATER, last_run=run).removed == 2


def test_without_any_backup_nothing_is_held_and_nothing_removed() -> None:
    report = prune(InMemoryObjectStore())
    assert (report.held, report.removed) == (None, 0)


def test_the_last_backup_is_the_one_that_ended_last(
    run_store: InMemoryRunStore, clock: FixedClock
) -> None:
    """A second run that is refused ends before the one that it was refused for."""
    at_work = a_run(RunStatus.COMPLETE, id="20261122T120000Z-aaaaaaaa")
    refused = a_run(
        RunStatus.FAILED, NOON + dt.timedelta(minutes=1), id="20261122T120100Z-bbbbbbbb"
    )
    other = a_run(RunStatus.FAILED, LATER, id="20261122T130100Z-cccccccc", kind=RunKind.RESTORE)
    withdrawn = a_run(RunStatus.WITHDRAWN, LATER, id="20261122T130200Z-dddddddd")
    for run in (at_work, refused, other, withdrawn):
        run_store.create(run)
    clock.advance(hours=2)

    last = TrackRuns(run_store, clock).last_backup()

    assert last is not None
    assert last.id == at_work.id
