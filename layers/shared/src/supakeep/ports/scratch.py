"""Databases that are thrown away after a drill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from supakeep.domain.assertions import Assertion
from supakeep.domain.definitions_script import Definition
from supakeep.domain.drill import AssertionResult, NotProven
from supakeep.domain.rebuild import NotRebuilt
from supakeep.domain.schema import Table
from supakeep.ports.databases import Database


class ScratchDatabase(Protocol):
    """An empty database of one drill."""

    @property
    def server_version(self) -> str: ...

    @property
    def database(self) -> Database: ...

    def located(self, table: Table) -> Table:
        """The table as it stands in this database: in another schema where its own is somebody else's."""
        ...

    def objection(self, assertion: Assertion) -> str | None:
        """Why this assertion cannot be asked here, as a clause; None where it can."""
        ...

    @property
    def takes_definitions(self) -> bool:
        """Whether a backup's definitions can be made here: in a database of its own, with Supabase's roles."""
        ...

    def stand_in(self, users: Sequence[Table]) -> None:
        """Makes what a plain PostgreSQL lacks of a Supabase project, with these tables of users."""
        ...

    def make(
        self, definitions: Sequence[Definition], settings: Sequence[str]
    ) -> Sequence[NotRebuilt]:
        """Makes these objects, in this order, after the statements `settings`; returns what the server
        refuses. Row security is switched off again: whoever asks here sees every row.
        """
        ...

    def create_tables(
        self, tables: Sequence[Table], samples: Mapping[str, Mapping[str, bytes]]
    ) -> Sequence[NotProven]:
        """Creates these tables with their columns and primary keys, as a manifest describes them.

        `samples` has, by table and column, one value as it stands in the document. Returns what the
        tables cannot show: for example types that this server does not have, which are kept as text.
        """
        ...

    def ask(self, assertion: Assertion) -> AssertionResult:
        """Runs a query that may read only, for a limited time; raises nothing for what the query does."""
        ...


class ScratchServer(Protocol):
    """Where drills restore to; `place` names it in reports."""

    @property
    def place(self) -> str: ...

    def room(self) -> int | None:
        """How many bytes of rows and indexes a database has room for, without what killed drills left; None
        where nobody knows.
        """
        ...

    def open(self) -> AbstractContextManager[ScratchDatabase]:
        """An empty database, which is gone afterwards, whatever happens. What a killed drill left
        behind is removed first. Raises MachineError, ConfigurationError or a DatabaseError.
        """
        ...
