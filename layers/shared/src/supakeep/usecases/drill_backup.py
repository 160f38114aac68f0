"""Drill a backup: restore it into a database that is thrown away, and say what that proves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field

from supakeep.archive.reader import BackupReader
from supakeep.domain.assertions import Assertion
from supakeep.domain.drill import (
    AssertionResult,
    BrokenOff,
    DrillReport,
    NotProven,
    Rung,
    RungOutcome,
    RungReport,
    not_tried,
    rungs_above,
)
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.portion import Portion
from supakeep.domain.run import problem_of
from supakeep.errors import (
    DatabaseError,
    DatabaseUnavailableError,
    DeadlineExceededError,
    LeaseHeldError,
    MachineError,
    SupakeepError,
)
from supakeep.ports import Clock, Deadline, Progress, ScratchDatabase, ScratchServer
from supakeep.system import out_of_memory, refused_by_machine
from supakeep.usecases.drill_portion import answerable, beyond, portion_of
from supakeep.usecases.drill_restore import DrillRestore
from supakeep.usecases.rung import Figures, RungFailedError
from supakeep.usecases.stored_objects import stored_copies
from supakeep.usecases.verify_backup import VerifyBackup

# these end the run, and say nothing about the backup
_ENDS_THE_RUN = (DeadlineExceededError, LeaseHeldError, MachineError)


@dataclass(frozen=True)
class DrillBackup:
    """Restores into a database of `server`, and never into another one. `plan` says which portion of the
    backup is drilled, where it is too large for one drill. `broken_off` gets the report of a drill that does not
    come to its end.
    """

    server: ScratchServer
    assertions: Sequence[Assertion]
    clock: Clock
    deadline: Deadline
    progress: Progress
    plan: Callable[[Manifest], Portion | None] = lambda _: None
    broken_off: Callable[[DrillReport], None] = lambda _: None

    def __call__(self, reader: BackupReader) -> DrillReport:
        """Climbs the rungs one after the other. A rung that fails is part of the report; those above
        it are tried as long as there is anything to try them on.

        Raises what says nothing about the backup: no time left, no server to be had.
        """
        climb = _Climb(self, reader, reader.manifest)
        try:
            with ExitStack() as opened:
                climb.carry_out(opened)
        except LeaseHeldError:
            # another run has what was this one's: it writes nothing any more
            raise
        except (OSError, MemoryError) as exc:
            refused = refused_by_machine(exc) if isinstance(exc, OSError) else out_of_memory()
            self.broken_off(climb.broken_off_by(refused))
            raise refused from exc
        except SupakeepError as exc:
            self.broken_off(climb.broken_off_by(exc))
            raise
        return climb.report()


@dataclass
class _Climb:
    drill: DrillBackup
    reader: BackupReader
    manifest: Manifest
    rungs: list[RungReport] = field(default_factory=list)
    assertions: list[AssertionResult] = field(default_factory=list)
    not_proven: list[NotProven] = field(default_factory=list)
    server_version: str | None = None
    portion: Portion | None = None

    def carry_out(self, opened: ExitStack) -> None:
        self._try(Rung.STORED, self._look)
        self.portion = self.drill.plan(self.manifest)
        # it starts while the copies are read
        starting = opened.enter_context(_starting(self.drill.server))
        if not self._try(Rung.READABLE, self._read):
            self.rungs += rungs_above(Rung.READABLE, "The rows could not be read")
            return
        scratch = starting()
        self.server_version = scratch.server_version
        restore = DrillRestore(self.reader, scratch, self.drill.deadline, self.drill.progress)
        if not self._try(Rung.RESTORABLE, restore.restore):
            self.not_proven += restore.not_proven
            self.rungs += rungs_above(Rung.RESTORABLE, "The rows could not be restored")
            return
        self.not_proven += restore.not_proven
        self._try(Rung.IDENTICAL, restore.compare)
        self._assert(scratch)

    def broken_off_by(self, error: SupakeepError) -> DrillReport:
        """The report of a climb that this error ended. One that had only to tidy up is a drill as any other."""
        left = list(Rung)[len(self.rungs) :]
        if not left:
            return self.report()
        at = left[0]
        self.rungs += not_tried(left, f"The drill broke off at the rung {at}")
        broken_off = BrokenOff(rung=at, problem=problem_of(error))
        return self.report().model_copy(update={"broken_off": broken_off})

    def report(self) -> DrillReport:
        restorable = next((r for r in self.rungs if r.rung is Rung.RESTORABLE), None)
        restored = restorable is not None and restorable.outcome is RungOutcome.PROVEN
        return DrillReport(
            backup=self.manifest.backup,
            into=self.drill.server.place,
            server_version=self.server_version,
            portion=self.portion,
            rungs=tuple(self.rungs),
            assertions=tuple(self.assertions),
            not_proven=tuple(self.not_proven),
            restore_milliseconds=restorable.milliseconds if restorable and restored else None,
        )

    def _look(self) -> Figures:
        """Every object in every copy; what is read from now on is read from the whole ones."""
        self.drill.progress.phase("looking at the copies")
        copies = stored_copies(self.reader)
        why = "nothing of it lies there: retention removed it, or it never arrived"
        self.not_proven += [NotProven(what=f"the copy {name}", why=why) for name in copies.absent]
        figures = {"copies": len(copies.whole), "objects": len(self.reader.manifest.objects) + 1}
        if copies.whole:
            self.reader = self.reader.among(copies.whole)
        if copies.problems or not copies.whole:
            nowhere = Problem(message="No store has it")
            raise RungFailedError(copies.problems or [nowhere], figures)
        return figures

    def _read(self) -> Figures:
        """Every byte of every copy, and every row; what is in a row, the next rungs find out."""
        self.drill.progress.phase("reading")
        if self.portion is not None:
            self.reader, self.portion = portion_of(self.reader, self.portion, self.drill.deadline)
            self.not_proven += beyond(self.portion)
        verify = VerifyBackup(
            self.drill.deadline, self.drill.progress, deep=True, parses_rows=False
        )
        report = verify(self.reader)
        figures = {
            "copies": len(report.good_in),
            "bytes": report.bytes,
            "tables": len(report.tables),
            "rows": sum(report.tables.values()),
        }
        wrong = [(copy.store, copy.problem) for copy in report.copies if copy.problem is not None]
        if wrong:
            problems = [Problem(message=f"{s}: {p.message}", hint=p.hint) for s, p in wrong]
            raise RungFailedError(problems, figures)
        return figures

    def _assert(self, scratch: ScratchDatabase) -> None:
        if not self.drill.assertions:
            why = "There are no assertions: write queries into drills.sql"
            self.rungs += rungs_above(Rung.IDENTICAL, why)
            return
        asked = self._askable(scratch)
        if not asked:
            why = "No assertion could be asked: the reasons stand under what was not proven"
            self.rungs += rungs_above(Rung.IDENTICAL, why)
            return
        self._try(Rung.ASSERTED, lambda: self._ask_all(scratch, asked))

    def _askable(self, scratch: ScratchDatabase) -> Sequence[Assertion]:
        """The assertions that can be asked there, and have every table that they need."""
        asked = answerable(self.drill.assertions, self.portion, self.manifest, scratch.objection)
        self.not_proven += asked.notes
        if self.portion is not None:
            self.portion = self.portion.model_copy(update={"not_asked": asked.left_out})
        return asked.assertions

    def _ask_all(self, scratch: ScratchDatabase, asked: Sequence[Assertion]) -> Figures:
        self.drill.progress.phase("asking the assertions")
        for assertion in asked:
            self.drill.deadline.check()
            self.assertions.append(scratch.ask(assertion))
        failed = [a.problem for a in self.assertions if a.problem is not None]
        figures = {"assertions": len(self.assertions)}
        if failed:
            raise RungFailedError(failed, figures)
        return figures

    def _try(self, rung: Rung, prove: Callable[[], Figures]) -> bool:
        """Whether what lies above can be tried: what one copy lacks, another one may have."""
        started = self.drill.clock.steady_seconds()
        outcome, problems = RungOutcome.PROVEN, tuple[Problem, ...]()
        goes_on = True
        try:
            figures = prove()
        except _ENDS_THE_RUN:
            raise
        except DatabaseError as exc:
            if exc.lacked_room or isinstance(exc, DatabaseUnavailableError):
                raise _server_gave_up(exc) from exc
            outcome, problems, figures = RungOutcome.FAILED, (problem_of(exc),), {}
            goes_on = False
        except RungFailedError as failure:
            outcome, problems, figures = RungOutcome.FAILED, failure.problems, failure.figures
        except SupakeepError as exc:
            outcome, problems, figures = RungOutcome.FAILED, (problem_of(exc),), {}
            goes_on = rung is Rung.STORED
        self.rungs.append(
            RungReport(
                rung=rung,
                outcome=outcome,
                figures=figures,
                milliseconds=round((self.drill.clock.steady_seconds() - started) * 1000),
                problems=problems,
            )
        )
        return goes_on


@contextmanager
def _starting(server: ScratchServer) -> Iterator[Callable[[], ScratchDatabase]]:
    """Opens a database in a thread of its own; what is given waits for it, and raises what kept it from opening."""

    def open_it() -> ScratchDatabase:
        return opened.enter_context(server.open())

    with ExitStack() as opened, ThreadPoolExecutor(1, "supakeep-scratch") as pool:
        yield pool.submit(copy_context().run, open_it).result


def _server_gave_up(error: DatabaseError) -> MachineError:
    """A full disk says nothing about the backup, and a server that finds none may end itself."""
    return MachineError(
        f"The database that the drill restores into gave up: {error.message}",
        operation="drill",
        key=error.key,
        hint="Its files take 60 MB of the temporary folder, and the rows about twice their size in the "
        "backup: give it more room (DrillStorageMiB in AWS, TMPDIR elsewhere), and memory.",
    )
