"""The connection to PostgreSQL breaks at every message of a backup, a restore and its undo copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import pytest

from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.run import Run, RunKind, RunStatus
from supakeep.errors import SupakeepError
from tests.builders.postgres_project import PostgresProject
from tests.contract.conftest import Servers
from tests.faults.calls import Journal, Plan
from tests.faults.machine import Outcome
from tests.faults.postgres_world import FILL, PASSWORD, SCHEMA, WRECK, PostgresWorld, Rows
from tests.faults.proof import good_backups
from tests.faults.selection import one_of
from tests.faults.tally import SESSION, Failing, Finding
from tests.faults.tcp import TcpFault, TcpFaultProxy, messages, tcp_fault_proxy

Seed = dict[str, bytes]
OURS = "from pg_stat_activity where application_name = 'supakeep' and datname = current_database()"


@dataclass(frozen=True)
class DatabaseUse:
    """What is disturbed. A restore is to end with all rows of the backup, or with those before it."""

    name: str
    run: Callable[[PostgresWorld], Run]
    is_restore: bool = False


USES = [
    DatabaseUse("backup (postgres)", PostgresWorld.back_up),
    DatabaseUse("restore (postgres)", PostgresWorld.restore, is_restore=True),
    DatabaseUse(
        "replace (postgres)",
        lambda world: world.restore(RestoreMode.REPLACE),
        is_restore=True,
    ),
]
FAULTS = [
    TcpFault("reset before"),
    TcpFault("reset after", forwarded=True),
    TcpFault("reset before, and no server any more", lasts=True),
    TcpFault("reset after, and no server any more", forwarded=True, lasts=True),
    TcpFault("session terminated", forwarded=True, breaks=False),
    TcpFault("statement cancelled", forwarded=True, breaks=False),
]
STATEMENTS = {
    "session terminated": f"select pg_terminate_backend(pid) {OURS}",
    "statement cancelled": f"select pg_cancel_backend(pid) {OURS}",
}


@pytest.fixture(scope="module")
def project(servers: Servers) -> Iterator[PostgresProject]:
    with PostgresProject(servers.postgres) as project:
        project.sql(SCHEMA)
        yield project


@pytest.fixture(scope="module")
def tcp(servers: Servers) -> Iterator[TcpFaultProxy]:
    with tcp_fault_proxy(servers.postgres.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def former(project: PostgresProject, tcp: TcpFaultProxy) -> Seed:
    """The objects of a good backup of the night before."""
    project.sql(FILL)
    world = PostgresWorld(project, tcp)
    world.clock.advance(days=-1)
    world.back_up()
    assert len(world.whole_backups()) == 1
    return world.store.objects


@dataclass(frozen=True)
class DatabaseMatrix:
    """The faults over one use of the database."""

    use: DatabaseUse
    project: PostgresProject
    proxy: TcpFaultProxy
    former: Seed

    def count(self) -> int:
        """How many messages it sends when nothing disturbs it."""
        return min(self._recorded(), self._recorded())

    def _recorded(self) -> int:
        world, _, intact = self._begin()
        outcome = world.watch(lambda: self.use.run(world))
        assert outcome.error is None, outcome.said
        assert world.rows == intact
        return len(self.proxy.journal.calls)

    def try_one(self, number: int, fault: TcpFault) -> list[str]:
        """Lets it happen at the message of this number; a sentence for each thing that went wrong."""
        world, before, intact = self._begin()
        statement = STATEMENTS.get(fault.name)
        if statement is not None:
            fault = replace(fault, happen=partial(self.project.rows, statement))
        self.proxy.journal.plan = Plan(fault, messages(number)[-1])
        outcome = world.watch(lambda: self.use.run(world))
        struck, self.proxy.journal.plan = self.proxy.journal.struck, None
        if not struck:
            return []  # the two connections of a backup share their messages out anew each time
        findings = [
            *self._judged(world, outcome, before, intact),
            *self._next_run(world, before, intact),
        ]
        SESSION.add(self.use.name, findings)
        return [f"{fault.name} at message {number}: {f.failing}: {f.what}" for f in findings]

    def _begin(self) -> tuple[PostgresWorld, Rows, Rows]:
        """A world with its rows before the use, and those that are right after it."""
        self.proxy.journal = Journal()
        self.project.sql(FILL)
        world = PostgresWorld(self.project, self.proxy)
        intact = world.rows
        if self.use.is_restore:
            self.project.sql(WRECK)
        for key, content in self.former.items():
            world.store.place(key, content)
        return world, world.rows, self._after(intact)

    def _after(self, intact: Rows) -> Rows:
        """A merge keeps the row that the backup does not have."""
        if not self.use.name.startswith("restore"):
            return intact
        return {**intact, "orders": [*intact["orders"], "(99,1)"]}

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
    if error is not None and not (isinstance(error, SupakeepError) and error.hint):
        yield Finding(Failing.OTHER, f"an error without help: {error!r}")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("use", USES, ids=lambda use: use.name)
def test_a_connection_that_breaks_at_a_message_breaks_no_promise(
    use: DatabaseUse,
    fault: TcpFault,
    project: PostgresProject,
    tcp: TcpFaultProxy,
    former: Seed,
    request: pytest.FixtureRequest,
) -> None:
    matrix = DatabaseMatrix(use, project, tcp, former)
    numbers = range(1, matrix.count() + 1)

    broken = [
        sentence
        for number in one_of(numbers, request.node.name, request.config)
        for sentence in matrix.try_one(number, fault)
    ]

    if broken:
        pytest.fail("\n".join(broken), pytrace=False)
