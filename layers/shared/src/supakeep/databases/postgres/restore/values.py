"""Values that a column of today cannot hold: the table, the column, the value and its row by name.

Postgres says what is wrong with a value, and not where it stands. Where it refuses a batch, the
batch is converted again, outside of the transaction, by halves and then column by column.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import psycopg
from psycopg import errors, sql

from supakeep.databases.postgres.errors import report_of, without_values
from supakeep.databases.postgres.restore.session import RestoreSession
from supakeep.databases.postgres.sql import type_of
from supakeep.domain.json_text import shortened, unnamed_member
from supakeep.domain.row_changes import text_of, tokens_of
from supakeep.domain.schema import Column, Table, writable_columns
from supakeep.errors import ConstraintViolationError

_SHOWN_CHARACTERS = 100
# what Postgres raises where a value cannot be held
REFUSALS = (psycopg.DataError, errors.NotNullViolation, errors.CheckViolation)
_NO_VALUE = "null"


class Reason(NamedTuple):
    """Why a value cannot be held: for whoever asked, and as it may be recorded."""

    in_full: str
    without_values: str


class ValueCheck:
    """The rows of `backed_up` against the columns of `table`, the live one."""

    def __init__(
        self, session: RestoreSession, table: Table, backed_up: Table, demanded: Sequence[str] = ()
    ) -> None:
        self._connection = session.to_read()
        self._session = session
        self._table = table
        self._before = {column.name: column for column in backed_up.columns}
        self._written = writable_columns(table, backed_up)
        self._now = {column.name: column for column in table.columns}
        both = [(self._before[name], self._now[name]) for name in self._written]
        self._converted = [now.name for before, now in both if _may_refuse(before, now)]
        self._required = [now.name for old, now in both if old.nullable and not now.nullable]
        self._required += demanded

    def check(self, rows: Sequence[bytes]) -> None:
        """Raises ConstraintViolationError for a value that a changed column cannot hold, or
        Postgres's error where there is no such value; the transaction is lost then.

        Writes nothing, and asks the database only where a column may have changed.
        """
        if self._converted:
            try:
                self._convert(rows, self._converted)
            except REFUSALS as exc:
                self._session.abandon()
                if refused := self.explanation(exc, rows, self._converted):
                    raise refused from without_values(exc)
                raise
        for name in self._required:
            if refused := self._missing(rows, name):
                raise refused

    def explanation(
        self, exc: psycopg.Error, rows: Sequence[bytes], columns: Sequence[str] = ()
    ) -> ConstraintViolationError | None:
        """The error that names the value for which Postgres refused these rows, of `columns` or of
        all that are written; None where no value is to blame. The session was abandoned before.
        """
        found = self._first_refused(rows, columns or self._written)
        if found is not None:
            return self._cannot_hold(*found)
        # a trigger may have written to another table
        if (name := exc.diag.column_name) in self._now and not self._now[name].nullable:
            return self._missing(rows, name)
        return None

    def _convert(self, rows: Sequence[bytes], columns: Sequence[str]) -> None:
        query = sql.SQL("select count(*) from json_to_recordset($1::json) as r({})").format(
            sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(name), type_of(self._table, name))
                for name in columns
            )
        )
        self._connection.execute(query, [(b"[" + b",".join(rows) + b"]").decode()])

    def _refusal(self, rows: Sequence[bytes], columns: Sequence[str]) -> psycopg.Error | None:
        try:
            self._convert(rows, columns)
        except (psycopg.DataError, psycopg.IntegrityError) as exc:
            return exc
        return None

    def _first_refused(
        self, rows: Sequence[bytes], columns: Sequence[str]
    ) -> tuple[bytes, str, psycopg.Error] | None:
        if not columns or self._refusal(rows, columns) is None:
            return None
        while len(rows) > 1:
            middle = len(rows) // 2
            first = rows[:middle]
            rows = first if self._refusal(first, columns) else rows[middle:]
        for name in columns:
            if refusal := self._refusal(rows, [name]):
                return rows[0], name, refusal
        return None

    def _cannot_hold(
        self, row: bytes, name: str, refusal: psycopg.Error
    ) -> ConstraintViolationError:
        before, now = self._before.get(name), self._now[name]
        changed = ""
        if before and before.type != now.type:
            changed = f" (it was {before.type} and is {now.type} now)"
        return self._violation(
            row,
            name,
            Reason(_reason(refusal, _token(row, name)), report_of(refusal).without_values),
            f"Give the column{changed} a type that holds the value for the restore, leave the "
            "table out, or restore into a table of the former type in another schema "
            "(--into-schema, into_schema) and convert there.",
        )

    def _missing(self, rows: Sequence[bytes], name: str) -> ConstraintViolationError | None:
        row = next((row for row in rows if self._is_null(row, name)), None)
        if row is None:
            return None
        return self._violation(
            row,
            name,
            Reason("it must have a value now", "it must have a value now"),
            "For the restore, let the column be null (ALTER TABLE … ALTER COLUMN … DROP NOT NULL) "
            "or, where the backup does not have it, give it a default; or leave the table out.",
        )

    def _is_null(self, row: bytes, name: str) -> bool:
        """Whether the row has SQL's null there; JSON's is a value (docs/format.md)."""
        before, tokens = self._before.get(name), tokens_of(row)
        if tokens.get(name, _NO_VALUE) != _NO_VALUE or (before and not before.nullable):
            return False
        return name not in unnamed_member(tokens.get("")).null

    def _violation(
        self, row: bytes, name: str, reason: Reason, hint: str
    ) -> ConstraintViolationError:
        table, token = self._table.qualified_name, _token(row, name)
        is_null = token == _NO_VALUE
        what = "cannot hold null" if is_null else "cannot hold a value of the backup"
        return ConstraintViolationError(
            f"{table}.{name} {what}: {reason.without_values}",
            operation="restore",
            key=table,
            hint=f"Nothing was written. {hint}",
            in_full=f"{table}.{name} cannot hold {_short(token)} "
            f"(row {_short(_shown_key(row, self._table.primary_key))}): {reason.in_full}",
        )


def _may_refuse(before: Column, now: Column) -> bool:
    """Whether a column may not hold what it held: its type is another one, or one of the database's
    own (they have a schema), which may have changed under its name.
    """
    return before.type != now.type or "." in now.type


def _token(row: bytes, name: str) -> str:
    return tokens_of(row).get(name, _NO_VALUE)


def _shown_key(row: bytes, key: Sequence[str]) -> str:
    """The row's key as JSON, its values as they stand in the row; all of a row without a key."""
    if not key:
        return row.decode()
    tokens = tokens_of(row)
    members = (f"{json.dumps(name)}: {tokens.get(name, _NO_VALUE)}" for name in key)
    return "{" + ", ".join(members) + "}"


def _reason(refusal: psycopg.Error, token: str) -> str:
    """What Postgres said, without the value that it may repeat at the end."""
    reported = refusal.diag.message_primary or type(refusal).__name__
    value = token if token[:1] in "[{" else text_of(token)
    reason = _short(reported.removesuffix(f': "{value}"'))
    detail = refusal.diag.message_detail
    return f"{reason} ({_short(detail)})" if detail else reason


def _short(text: str) -> str:
    return shortened(text, _SHOWN_CHARACTERS)
