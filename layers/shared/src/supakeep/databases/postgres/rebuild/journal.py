"""What a rebuild remembers in the new project, so that the next run goes on where it stopped."""

from __future__ import annotations

from typing import LiteralString

from supakeep.databases.postgres.connection import Connection
from supakeep.domain.rebuild import NotRebuilt
from supakeep.errors import UnsafeOperationError

SCHEMA = "supakeep_rebuild"
_TABLES: LiteralString = """
create schema supakeep_rebuild;
create table supakeep_rebuild.begun (backup text not null, steps int not null);
create table supakeep_rebuild.not_rebuilt (what text not null, why text not null, hint text);
"""


class Journal:
    """Its writes belong to whatever transaction the connection is in."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._steps = 0

    def begun(self) -> str | None:
        """The backup that an earlier run began with."""
        if self._connection.execute("select to_regclass('supakeep_rebuild.begun')").fetchone() == (
            None,
        ):
            return None
        row = self._connection.execute(
            "select backup, steps from supakeep_rebuild.begun"
        ).fetchone()
        if row is None:
            return None
        backup, self._steps = row
        return str(backup)

    def begin(self, backup: str) -> bool:
        """Returns whether an earlier run has begun. Raises UnsafeOperationError where it did so with
        another backup.
        """
        begun = self.begun()
        if begun is None:
            with self._connection.transaction():
                self._connection.execute(_TABLES)
                self._connection.execute(
                    "insert into supakeep_rebuild.begun values ($1, 0)", [backup]
                )
        elif begun != backup:
            raise UnsafeOperationError(
                f"A rebuild of {begun} has begun here, and was cut off",
                operation="rebuild",
                key=begun,
                hint=f"Finish it (supakeep rebuild {begun}), or begin anew in another empty project.",
            )
        return begun is not None

    def is_done(self, step: int) -> bool:
        return step < self._steps

    def done(self, step: int) -> None:
        """Remembers that all steps up to this one were taken."""
        self._connection.execute("update supakeep_rebuild.begun set steps = $1", [step + 1])
        self._steps = step + 1

    def remember(self, problem: NotRebuilt) -> None:
        self._connection.execute(
            "insert into supakeep_rebuild.not_rebuilt values ($1, $2, $3)",
            [problem.what, problem.why, problem.hint],
        )

    def remembered(self) -> list[NotRebuilt]:
        rows = self._connection.execute(
            "select what, why, hint from supakeep_rebuild.not_rebuilt"
        ).fetchall()
        return [NotRebuilt(what=what, why=why, hint=hint) for what, why, hint in rows]

    def remove(self) -> None:
        self._connection.execute("drop schema supakeep_rebuild cascade")
