"""Drills that do not come to their end: what the ledger says of them, and what it does not make of the backup."""

from __future__ import annotations

import datetime as dt
import errno
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial

import pytest

from supakeep.archive.reader import BackupReader
from supakeep.domain.assertions import Assertion
from supakeep.domain.drill import DrillReport, Rung, RungOutcome
from supakeep.domain.manifest import Manifest
from supakeep.domain.proof import Proofs
from supakeep.errors import (
    DatabaseUnavailableError,
    DeadlineExceededError,
    LeaseHeldError,
    MachineError,
    SupakeepError,
)
from supakeep.usecases.drill_backup import DrillBackup
from supakeep.usecases.read_ledger import read_ledger
from supakeep.usecases.read_proofs import read_proofs
from supakeep.usecases.record_drill import RecordDrill
from supakeep.usecases.recorded_drill import recorded_drill
from tests.builders.backups import a_shop, back_up
from tests.builders.drills import record_drill
from tests.builders.manifests import PROJECT
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.scratch import InMemoryScratch, InMemoryScratchServer
from tests.fakes.time import NOON, FixedClock, NeverExpires

error_of = partial(MachineError, operation="drill", hint="Give it more room")
RUN = "20261122T130000Z-1a2b3c4d"
LATER = NOON + dt.timedelta(hours=1)


@dataclass
class _Refuses(InMemoryScratchServer):
    """A server that does not start."""

    why: SupakeepError | OSError | MemoryError = error_of("The embedded PostgreSQL did not start")  # noqa: RUF009

    def open(self) -> AbstractContextManager[InMemoryScratch]:
        raise self.why


@dataclass
class _EndsIn(NeverExpires):
    """No time is left once a drill is in this phase."""

    phase: str
    progress: InMemoryProgress

    def check(self) -> None:
        if self.phase in self.progress.phases:
            raise DeadlineExceededError("The time ran out", operation="drill", hint="Drill less")


class _Untidy(InMemoryScratchServer):
    """A server that proves everything, and cannot be tidied up."""

    @contextmanager
    def open(self) -> Iterator[InMemoryScratch]:
        yield InMemoryScratch()
        raise error_of("The database could not be dropped")


@pytest.fixture
def store() -> InMemoryObjectStore:
    return InMemoryObjectStore()


@pytest.fixture
def manifest(store: InMemoryObjectStore) -> Manifest:
    return back_up(a_shop(), store)


def a_drill(server: InMemoryScratchServer) -> DrillBackup:
    return DrillBackup(server, (), FixedClock(LATER), NeverExpires(), InMemoryProgress())


def broken(store: InMemoryObjectStore, manifest: Manifest, drill: DrillBackup) -> DrillReport:
    """What the ledger has of a drill that raised."""
    record = RecordDrill([store], None, FixedClock(LATER))
    with pytest.raises(SupakeepError):
        recorded_drill(drill, record, BackupReader(manifest, [store]), RUN)
    return read_ledger(store, PROJECT).entries[-1].entry.report


def proofs(store: InMemoryObjectStore, manifest: Manifest) -> Proofs:
    return read_proofs([store], [manifest], PROJECT, LATER)


def where(report: DrillReport) -> Rung | None:
    return None if report.broken_off is None else report.broken_off.rung


@pytest.mark.parametrize(
    ("why", "message"),
    [
        (error_of("The embedded PostgreSQL did not start"), "did not start"),
        (DatabaseUnavailableError("No answer", operation="connect"), "No answer"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (MemoryError(), "There was not enough memory"),
    ],
    ids=["not started", "not reached", "full disk", "no memory"],
)
def test_a_server_that_is_not_to_be_had_leaves_an_entry(
    store: InMemoryObjectStore,
    manifest: Manifest,
    why: SupakeepError | OSError | MemoryError,
    message: str,
) -> None:
    report = broken(store, manifest, a_drill(_Refuses(why=why)))

    assert where(report) is Rung.RESTORABLE
    assert report.broken_off is not None
    assert message in report.broken_off.problem.message
    assert [r.outcome for r in report.rungs] == [
        *[RungOutcome.PROVEN] * 2,
        *[RungOutcome.NOT_TRIED] * 3,
    ]
    assert (report.reached, report.is_whole, report.problems) == (Rung.READABLE, True, ())
    assert (report.came_back, report.says_something) == (False, False)


@pytest.mark.parametrize(
    ("phase", "rung"),
    [
        ("reading", Rung.READABLE),
        ("creating tables", Rung.RESTORABLE),
        ("comparing", Rung.IDENTICAL),
        ("asking the assertions", Rung.ASSERTED),
    ],
)
def test_the_deadline_ends_a_drill_at_any_rung_and_the_entry_names_it(
    store: InMemoryObjectStore, manifest: Manifest, phase: str, rung: Rung
) -> None:
    drill = a_drill(InMemoryScratchServer())
    asked = [Assertion("nobody owes", "select true")]
    deadline = _EndsIn(phase, progress := InMemoryProgress())

    report = broken(
        store,
        manifest,
        replace(drill, assertions=asked, deadline=deadline, progress=progress),
    )

    assert where(report) is rung
    assert report.proven == tuple(Rung)[: list(Rung).index(rung)]
    assert proofs(store, manifest).proof_of(manifest) is None
    assert not proofs(store, manifest).is_proven(manifest)


def test_a_drill_that_lost_its_lease_writes_nothing(
    store: InMemoryObjectStore, manifest: Manifest
) -> None:
    lost = _Refuses(why=LeaseHeldError("Another run has it", operation="drill"))
    record = RecordDrill([store], None, FixedClock(LATER))

    with pytest.raises(LeaseHeldError):
        recorded_drill(a_drill(lost), record, BackupReader(manifest, [store]), "x-1")

    assert read_ledger(store, PROJECT).entries == ()


def test_a_drill_that_only_could_not_tidy_up_is_recorded_as_what_it_has_proven(
    store: InMemoryObjectStore, manifest: Manifest
) -> None:
    report = broken(store, manifest, a_drill(_Untidy()))

    assert (report.broken_off, report.restores) == (None, True)


def test_a_drill_that_broke_off_takes_no_proof_back(
    store: InMemoryObjectStore, manifest: Manifest
) -> None:
    record_drill(store, manifest=manifest, outcomes="ppppp")
    before = proofs(store, manifest).proof_of(manifest)

    broken(store, manifest, a_drill(_Refuses()))

    after = proofs(store, manifest)
    assert (after.proof_of(manifest), after.is_proven(manifest)) == (before, True)
    assert before is not None
    assert before.restores


def test_a_drill_that_broke_off_settles_no_failure(
    store: InMemoryObjectStore, manifest: Manifest
) -> None:
    record_drill(store, manifest=manifest, outcomes="pppf-")

    broken(store, manifest, a_drill(_Refuses()))

    proof = proofs(store, manifest).proof_of(manifest)
    assert proof is not None
    assert proof.failed == (Rung.IDENTICAL,)


def test_a_rung_that_failed_before_the_drill_broke_off_still_counts(
    store: InMemoryObjectStore, manifest: Manifest
) -> None:
    mirror = InMemoryObjectStore("mirror")
    mirror.place(manifest.name.manifest_key, b"{}", modified_at=NOON)
    record = RecordDrill([store], None, FixedClock(LATER))
    reader = BackupReader(manifest, [store, mirror])

    with pytest.raises(MachineError):
        recorded_drill(a_drill(_Refuses()), record, reader, RUN)

    proof = proofs(store, manifest).proof_of(manifest)
    assert proof is not None
    assert proof.failed == (Rung.STORED,)


def test_a_ledger_that_takes_no_entry_hides_nothing_of_why_the_drill_broke_off(
    store: InMemoryObjectStore, manifest: Manifest
) -> None:
    def fails(_: DrillReport) -> None:
        raise MachineError("The record could not be written", operation="drill")

    record = RecordDrill([store], None, FixedClock(LATER))
    reader = BackupReader(manifest, [store])

    with pytest.raises(MachineError, match="did not start"):
        recorded_drill(a_drill(_Refuses()), record, reader, RUN, fails)
