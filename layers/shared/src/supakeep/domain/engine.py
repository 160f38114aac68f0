"""What an engine can do: the one place where the two engines differ for the rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from supakeep.domain.row_changes import RestoreMode

EngineName = Literal["rest", "postgres"]
Consistency = Literal["snapshot", "per-table"]


@dataclass(frozen=True)
class Engine:
    """What one way of reaching a database can do.

    `modes` are the restore modes that it has. With `atomic`, a restore is one transaction: all of
    it is kept, or nothing. With `needs_key`, only a table with a primary key can be exported.
    """

    name: EngineName
    consistency: Consistency
    modes: frozenset[RestoreMode]
    atomic: bool
    needs_key: bool

    @property
    def can_undo(self) -> bool:
        """An undo deletes the rows that the restore inserted, as only the mode replace does."""
        return RestoreMode.REPLACE in self.modes

    @property
    def needs_functions(self) -> bool:
        """Whether the database must have Supakeep's own functions."""
        return self.name == "rest"

    @property
    def gives_definitions(self) -> bool:
        """Whether a backup has what makes the tables, and not their rows alone."""
        return self.name == "postgres"

    @property
    def sees_users(self) -> bool:
        """Whether it reaches the schema `auth`, which the Data API never exposes."""
        return self.name == "postgres"

    @property
    def survives_lost_connection(self) -> bool:
        """Whether an export can go on with the next table. A snapshot is lost with its connection."""
        return self.consistency == "per-table"


REST = Engine(
    name="rest",
    consistency="per-table",
    modes=frozenset({RestoreMode.MERGE}),
    atomic=False,
    needs_key=True,
)

POSTGRES = Engine(
    name="postgres",
    consistency="snapshot",
    modes=frozenset(RestoreMode),
    atomic=True,
    needs_key=False,
)
