"""The server that drills restore into: every call to it can fail, or be answered with a lie."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from supakeep.databases.data_api.writer import UpsertCounts
from supakeep.domain.assertions import Assertion
from supakeep.domain.definitions_script import Definition
from supakeep.domain.drill import AssertionResult, NotProven
from supakeep.domain.plan import Selection
from supakeep.domain.rebuild import NotRebuilt
from supakeep.domain.schema import Catalog, Table
from supakeep.errors import (
    ConstraintViolationError,
    DatabaseError,
    DatabasePermissionError,
    DatabaseUnavailableError,
    MachineError,
)
from supakeep.ports import Rows
from tests.fakes.database import EVERY_MODE, InMemoryDatabase
from tests.fakes.scratch import InMemoryScratch
from tests.faults.calls import Journal

T = TypeVar("T")
SERVICE = "scratch"
# what the errors of these tests say, which the expected ones are known by
SAID = "at the scratch server"


@dataclass(frozen=True)
class ServerFault:
    """`error` is raised in place of a call; without one, the call loses a row of what it is given, or
    gives.
    """

    name: str
    error: Callable[[], BaseException] | None = None
    may_go: frozenset[str] = frozenset()
    alters: str | None = None
    is_late: bool = False
    lasts: bool = True

    def within(self, _: object) -> ServerFault:
        return self

    def first(self) -> None:
        """Strikes before the call is carried out."""
        if self.error is not None:
            raise self.error()


def _error(kind: type[DatabaseError | MachineError]) -> Callable[[], BaseException]:
    return lambda: kind(f"{kind.__name__} {SAID}", operation="drill", hint=SAID)


def _without_room() -> BaseException:
    error = DatabaseError(f"No room {SAID}", operation="drill", hint=SAID)
    error.lacked_room = True
    return error


SERVER_FAULTS = (
    ServerFault("the server is lost", _error(DatabaseUnavailableError)),
    ServerFault("the server refuses", _error(DatabaseError)),
    ServerFault("the role may not", _error(DatabasePermissionError)),
    ServerFault("a row is refused", _error(ConstraintViolationError)),
    ServerFault("the server's disk is full", _without_room),
    ServerFault("the machine refuses", _error(MachineError)),
    ServerFault("the machine's disk is full", lambda: OSError(errno.ENOSPC, SAID)),
    ServerFault("a row is lost"),
)


@dataclass
class WatchedScratchServer:
    """Opens databases whose calls `journal` counts. `ends` is what stood in each one when it was left."""

    journal: Journal[Any]
    place: str = "memory"
    ends: list[Mapping[str, list[bytes]]] = field(default_factory=list)

    def room(self) -> int | None:
        self._enter("room")
        return None

    @contextmanager
    def open(self) -> Iterator[InMemoryScratch]:
        self._enter("open")
        database = WatchedDatabase(self._enter)
        try:
            yield WatchedScratch(self._enter, database)
        finally:
            self.ends.append(database.everything())
            self._enter("close")

    def _enter(self, what: str) -> bool:
        """Whether the call is to lose a row."""
        fault = self.journal.enter(SERVICE, what)
        if fault is not None:
            fault.first()
        return isinstance(fault, ServerFault)


Enter = Callable[[str], bool]


class WatchedScratch(InMemoryScratch):
    def __init__(self, enter: Enter, database: InMemoryDatabase) -> None:
        super().__init__(database=database)
        self._enter = enter

    def create_tables(
        self, tables: Sequence[Table], samples: Mapping[str, Mapping[str, bytes]]
    ) -> Sequence[NotProven]:
        self._enter("create tables")
        return super().create_tables(tables, samples)

    def stand_in(self, users: Sequence[Table]) -> None:
        self._enter("stand in")
        super().stand_in(users)

    def make(
        self, definitions: Sequence[Definition], settings: Sequence[str]
    ) -> Sequence[NotRebuilt]:
        self._enter("make")
        return super().make(definitions, settings)

    def ask(self, assertion: Assertion) -> AssertionResult:
        self._enter("ask")
        return super().ask(assertion)


class WatchedDatabase(InMemoryDatabase):
    def __init__(self, enter: Enter) -> None:
        super().__init__(engine=EVERY_MODE)
        self._enter = enter

    def catalog(self) -> Catalog:
        self._enter("catalog")
        return super().catalog()

    def export(self, selection: Selection) -> Iterator[Rows]:
        is_lost = self._enter("export")
        rows = list(super().export(selection))
        return iter(rows[:-1] if is_lost else rows)

    def count(self, selection: Selection) -> int:
        return super().count(selection) - self._enter("count")

    def count_table(self, table: Table) -> int:
        return super().count_table(table) - self._enter("count table")

    def upsert(
        self, table: Table, columns: Sequence[str], rows: Sequence[bytes], *, dry_run: bool
    ) -> UpsertCounts:
        is_lost = self._enter("upsert")
        counts = super().upsert(table, columns, rows[is_lost:], dry_run=dry_run)
        # it says that it has taken them all
        return counts._replace(inserted=counts.inserted + is_lost)

    def advance_sequences(self, table: Table) -> Sequence[str]:
        self._enter("advance sequences")
        return super().advance_sequences(table)
