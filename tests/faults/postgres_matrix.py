"""Tries one fault at one message of a use of the database, and judges what came of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.run import Run, RunKind, RunStatus
from supakeep.errors import SupakeepError
from tests.builders.postgres_project import PostgresProject
from tests.faults.calls import Journal, Plan
from tests.faults.machine import Outcome
from tests.faults.postgres_child import Assignment, start
from tests.faults.postgres_machine import OpenFolder, OpenStore, PostgresMachine
from tests.faults.postgres_world import FILL, PASSWORD, WRECK, PostgresWorld, Rows
from tests.faults.proof import good_backups
from tests.faults.tally import SESSION, Failing, Finding
from tests.faults.tcp import TcpFault, TcpFaultProxy, messages

Seed = dict[str, bytes]
TIME_IS_UP = "the time is up"
OURS = "from pg_stat_activity where application_name = 'supakeep' and datname = current_database()"


@dataclass(frozen=True)
class DatabaseUse:
    """What is disturbed. A restore and its undo end with all the rows that they bring, or with those before."""

    name: str
    run: Callable[[PostgresMachine], Run]
    is_restore: bool = False
    is_undo: bool = False


def _replace(machine: PostgresMachine) -> Run:
    return machine.restore(RestoreMode.REPLACE)


BACKUP = DatabaseUse("backup (postgres)", PostgresMachine.back_up)
RESTORE = DatabaseUse("restore (postgres)", PostgresMachine.restore, is_restore=True)
REPLACE = DatabaseUse("replace (postgres)", _replace, is_restore=True)
UNDO = DatabaseUse("undo (postgres)", PostgresMachine.undo, is_restore=True, is_undo=True)
USES = (BACKUP, RESTORE, REPLACE, UNDO)

STATEMENTS = {
    "session terminated": f"select pg_terminate_backend(pid) {OURS}",
    "statement cancelled": f"select pg_cancel_backend(pid) {OURS}",
}


class KilledError(Exception):
    """The process ended by SIGKILL, and says nothing of what it did."""


@dataclass(frozen=True)
class DatabaseMatrix:
    """The faults over one use of the database."""

    use: DatabaseUse
    project: PostgresProject
    proxy: TcpFaultProxy
    former: Seed

    @cached_property
    def count(self) -> int:
        """How many messages it sends when nothing disturbs it."""
        return min(self._recorded(), self._recorded())

    def _recorded(self) -> int:
        world, _, after = self._begin()
        outcome = world.watch(lambda: self.use.run(world))
        assert outcome.error is None, outcome.said
        assert world.rows == after
        return len(self.proxy.journal.calls)

    def try_one(self, number: int, fault: TcpFault) -> list[str]:
        """Lets it happen at the message of this number; a sentence for each thing that went wrong."""
        world, before, after = self._begin()
        statement = STATEMENTS.get(fault.name)
        if statement is not None:
            fault = replace(fault, happen=partial(self.project.rows, statement))
        elif fault.name == TIME_IS_UP:
            fault = replace(fault, happen=partial(setattr, world.deadline, "is_reached", True))
        self.proxy.journal.plan = Plan(fault, messages(number)[-1])
        outcome = world.watch(lambda: self.use.run(world))
        return self._found(f"{fault.name} at message {number}", world, outcome, before, after)

    def try_kill(self, number: int, folder: Path, *, forwarded: bool) -> list[str]:
        """Kills the process of the use at the message of this number, which the server gets first if
        `forwarded`.
        """
        world, before, after = self._begin(OpenFolder(folder))
        started: Future[int] = Future()

        def kill() -> None:
            os.kill(started.result(), signal.SIGKILL)

        fault = TcpFault("SIGKILL", forwarded=forwarded, breaks=False, happen=kill)
        self.proxy.journal.plan = Plan(fault, messages(number)[-1])
        assignment = Assignment(self.use.name, world.url, folder, world.clock.now(), world.restored)

        def work() -> None:
            process = start(assignment)
            started.set_result(process.pid or 0)
            process.join(timeout=60)
            was_killed = process.exitcode == -signal.SIGKILL
            process.close()
            if was_killed:
                raise KilledError

        return self._found(f"SIGKILL at {number}", world, world.watch(work), before, after)

    def _found(
        self, what: str, world: PostgresWorld, outcome: Outcome, before: Rows, after: Rows
    ) -> list[str]:
        struck, self.proxy.journal.plan = self.proxy.journal.struck, None
        if not struck:
            return []  # the two connections of a backup share their messages out anew each time
        findings = [
            *self._judged(world, outcome, before, after),
            *self._next_run(world, before, after),
        ]
        SESSION.add(self.use.name, findings)
        return [f"{what}: {found.failing}: {found.what}" for found in findings]

    def _begin(self, store: OpenStore | None = None) -> tuple[PostgresWorld, Rows, Rows]:
        """A world with its rows before the use, and those that are right after it."""
        self.proxy.journal = Journal()
        self.project.sql(FILL)
        world = PostgresWorld(self.project, self.proxy, store)
        after = world.rows
        if self.use is RESTORE or self.use.is_undo:
            # a merge keeps the row that the backup does not have
            after = {**after, "orders": [*after["orders"], "(99,1)"]}
        if self.use.is_restore:
            self.project.sql(WRECK)
        for key, content in self.former.items():
            world.store.place(key, content)
        before = world.rows
        if self.use.is_undo:
            world.restored = world.restore().id
            assert world.rows == after
            world.clock.advance(minutes=1)
            before, after = after, before
            self.proxy.journal = Journal()
        return world, before, after

    def _judged(
        self, world: PostgresWorld, outcome: Outcome, before: Rows, after: Rows
    ) -> list[Finding]:
        return [
            *_of_rows(world, outcome, before, after),
            *_of_backups(world, outcome, self.former),
            *_of_words(outcome),
        ]

    def _next_run(self, world: PostgresWorld, before: Rows, after: Rows) -> list[Finding]:
        world.clock.advance(minutes=6)
        world.deadline.is_reached = False
        outcome = world.watch(lambda: self.use.run(world))
        if outcome.error is not None:
            return [Finding(Failing.OTHER, f"the next run failed: {outcome.error!r}")]
        return self._judged(world, outcome, before, after)


def _of_rows(
    world: PostgresWorld, outcome: Outcome, before: Rows, after: Rows
) -> Iterator[Finding]:
    rows = world.rows
    if outcome.error is None and rows != after:
        yield Finding(Failing.FALSE_SUCCESS, "it is complete, and the rows are not")
    if rows not in (before, after):
        yield Finding(Failing.OTHER, "the restore is half applied")
    # only the answer to the commit may be lost
    is_silent = "at the commit" not in outcome.said
    is_silent = is_silent and not isinstance(outcome.error, KilledError)
    if outcome.error is not None and rows == after != before and is_silent:
        yield Finding(Failing.OTHER, "it is applied, and the error says that it is not")


def _of_backups(world: PostgresWorld, outcome: Outcome, former: Seed) -> Iterator[Finding]:
    good = good_backups(world.store.objects)
    for name in good_backups(former) - good:
        yield Finding(Failing.BACKUP_LOST, name)
    if outcome.error is None and isinstance(outcome.result, Run):
        run = outcome.result
        # one that says itself what it lacks is no false success
        is_complete = run.kind is RunKind.BACKUP and run.status is RunStatus.COMPLETE
        if is_complete and run.backup not in world.whole_backups():
            yield Finding(Failing.FALSE_SUCCESS, f"{run.backup} is not whole")


def _of_words(outcome: Outcome) -> Iterator[Finding]:
    if PASSWORD in outcome.said:
        yield Finding(Failing.SECRET_SEEN, "the password")
    error = outcome.error
    if isinstance(error, KilledError):
        return
    if error is not None and not (isinstance(error, SupakeepError) and error.hint):
        yield Finding(Failing.OTHER, f"an error without help: {error!r}")
