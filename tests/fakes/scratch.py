"""Databases in memory for drills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from supakeep.domain.assertions import Assertion
from supakeep.domain.definitions_script import Definition
from supakeep.domain.drill import AssertionResult, NotProven
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.rebuild import NotRebuilt
from supakeep.domain.schema import Table
from tests.fakes.database import EVERY_MODE, InMemoryDatabase


@dataclass
class InMemoryScratch:
    """An empty database; it runs no SQL, so an assertion holds unless its name is in `wrong`. Of the definitions,
    `made` remembers the names, and those in `refuses` are refused.
    """

    wrong: frozenset[str] = frozenset()
    server_version: str = "18.0"
    takes_definitions: bool = False
    refuses: Mapping[str, NotRebuilt] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    database: InMemoryDatabase = field(default_factory=lambda: InMemoryDatabase(engine=EVERY_MODE))

    def stand_in(self, users: Sequence[Table]) -> None:
        for table in users:
            self.database.add_table(table)

    def make(
        self,
        definitions: Sequence[Definition],
        settings: Sequence[str],  # noqa: ARG002
    ) -> Sequence[NotRebuilt]:
        names = [str(definition) for definition in definitions]
        refused = [self.refuses[name] for name in names if name in self.refuses]
        self.made += [name for name in names if name not in self.refuses]
        return refused

    def located(self, table: Table) -> Table:
        return table

    def objection(self, assertion: Assertion) -> str | None:  # noqa: ARG002
        return None

    def create_tables(
        self,
        tables: Sequence[Table],
        samples: Mapping[str, Mapping[str, bytes]],  # noqa: ARG002
    ) -> Sequence[NotProven]:
        for table in tables:
            self.database.add_table(table)
        return []

    def ask(self, assertion: Assertion) -> AssertionResult:
        if assertion.name not in self.wrong:
            return AssertionResult(name=assertion.name, holds=True)
        problem = Problem(message=f"The assertion {assertion.name!r} does not hold")
        return AssertionResult(name=assertion.name, holds=False, problem=problem)


@dataclass
class InMemoryScratchServer:
    """Opens a new database for each drill, and keeps count of them."""

    wrong: frozenset[str] = frozenset()
    place: str = "memory"
    opened: int = 0
    free: int | None = None

    def room(self) -> int | None:
        return self.free

    def open(self) -> AbstractContextManager[InMemoryScratch]:
        self.opened += 1
        return nullcontext(InMemoryScratch(self.wrong))
