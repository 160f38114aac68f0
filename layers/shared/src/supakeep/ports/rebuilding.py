"""A new project that a backup is rebuilt in."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from supakeep.domain.definitions_script import Definition
from supakeep.domain.rebuild import NotRebuilt, Outcome
from supakeep.domain.schema import Catalog, Table
from supakeep.ports.databases import TargetDatabase


class NewProject(Protocol):
    """A database, most often an empty one. `place` names it without its password; `database` writes
    its rows.
    """

    @property
    def place(self) -> str: ...

    @property
    def database(self) -> TargetDatabase: ...

    def open(self) -> AbstractContextManager[Rebuilding]:
        """Opens it for one rebuild. Raises DatabaseUnavailableError, or UnsafeOperationError where
        another rebuild is under way in it.
        """
        ...


class Rebuilding(Protocol):
    """One rebuild. What was done is remembered in the new project itself until `finish`, so that the
    next run goes on from there.
    """

    def user_tables(self) -> Sequence[str]:
        """The tables that are there and that are not Supabase's own."""
        ...

    def begin(self, backup: str, settings: Sequence[str]) -> bool:
        """Begins, or goes on; returns whether an earlier run had begun. Raises UnsafeOperationError
        where that was with another backup. `settings` are for the sessions that make definitions.
        """
        ...

    def begun(self) -> str | None:
        """The backup that an earlier run began to rebuild here; None where there was none."""
        ...

    def stand_in(self, users: Sequence[Table]) -> Sequence[str]:
        """Makes what a plain PostgreSQL lacks: roles, and the schemas of Supabase that definitions refer
        to, with these tables of users. Does nothing in a Supabase project. Returns what to report.
        """
        ...

    def is_done(self, step: int) -> bool:
        """Whether this step, counted from 0, was taken, by an earlier run too."""
        ...

    def done(self, step: int) -> None:
        """Remembers that it was taken."""
        ...

    def make(self, definition: Definition, step: int) -> tuple[Outcome, Sequence[NotRebuilt]]:
        """Makes one object and remembers it with the step, both or neither. Raises
        DatabaseUnavailableError; what the database refuses is returned.
        """
        ...

    def remembered(self) -> Sequence[NotRebuilt]:
        """What earlier runs could not bring back."""
        ...

    def catalog(self) -> Catalog: ...

    def refresh(self) -> Sequence[NotRebuilt]:
        """Fills the materialized views that are empty; returns those that could not be."""
        ...

    def finish(self) -> None:
        """Removes what was remembered."""
        ...
