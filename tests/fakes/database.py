"""A database in memory, source and target: rows as JSON texts, upserted by primary key."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NoReturn, Self

from supakeep.databases.data_api.restore import BatchTransaction
from supakeep.databases.data_api.writer import UpsertCounts
from supakeep.domain.engine import REST, Engine
from supakeep.domain.objections import permission_denied
from supakeep.domain.plan import Selection, TableFilter, every_table
from supakeep.domain.project_object import ObjectKind, ProjectObject
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.schema import Catalog, Table
from supakeep.errors import ConstraintViolationError, DatabaseError, ExportError
from supakeep.ports import Rows

EVERY_MODE = replace(REST, modes=frozenset(RestoreMode))
"""An engine of batches whose undo is possible: the fake takes any mode for a merge."""

# a column's value as its JSON text, so that no number is ever read
Row = dict[str, bytes]
Key = tuple[Any, ...]


@dataclass(frozen=True)
class ForeignKey:
    """`column` of one table holds a value of `parent_column` in `parent`, or null."""

    column: str
    parent: str
    parent_column: str


@dataclass
class _Contents:
    table: Table
    foreign_keys: Sequence[ForeignKey]
    rows: dict[Key, Row] = field(default_factory=dict)
    sequence: int = 0


class InMemoryDatabase:
    """SourceDatabase and TargetDatabase. Exports portions of `portion_rows` rows."""

    def __init__(self, *, portion_rows: int = 2, engine: Engine = REST) -> None:
        self.engine = engine
        self._contents: dict[str, _Contents] = {}
        self._portion_rows = portion_rows
        self.read_only: set[str] = set()
        # by table, the columns that a trigger sets in every row that is written
        self.triggers: dict[str, Mapping[str, object]] = {}
        # what the project has beside tables
        self.objects: list[ProjectObject] = []
        # what pg_dump makes of it, or why it fails
        self.definitions_sql: str | DatabaseError = "create table orders (id bigint);\n"
        self._at_export: dict[str, dict[Key, Row]] = {}

    def add_table(
        self,
        table: Table,
        rows: Iterable[Mapping[str, object] | bytes] = (),
        *,
        foreign_keys: Sequence[ForeignKey] = (),
    ) -> None:
        """Creates a table; rows are mappings or JSON texts."""
        contents = _Contents(table, foreign_keys)
        self._contents[table.qualified_name] = contents
        for row in rows:
            self._insert(contents, row)

    def insert(self, table: str, *rows: Mapping[str, object] | bytes) -> None:
        """Adds rows, or overwrites those with the same key."""
        for row in rows:
            self._insert(self._contents[table], row)

    def delete(self, table: str, **column: object) -> None:
        """Removes the rows whose one column has this value."""
        [(name, value)] = column.items()
        contents = self._contents[table]
        kept = {k: r for k, r in contents.rows.items() if r[name] != json.dumps(value).encode()}
        contents.rows = kept

    def drop_table(self, table: str) -> None:
        del self._contents[table]

    def texts(self, table: str) -> list[bytes]:
        """The table's rows as JSON texts in the order of their keys."""
        contents = self._contents[table]
        return [_text(contents.rows[key]) for key in sorted(contents.rows, key=_sortable)]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The table's rows, read; numbers are Decimals."""
        return [_value(text) for text in self.texts(table)]

    def everything(self) -> dict[str, list[bytes]]:
        """All rows of all tables, to compare two moments."""
        return {name: self.texts(name) for name in sorted(self._contents)}

    def sequence(self, table: str) -> int:
        """The last value that the table's sequence gave out."""
        return self._contents[table].sequence

    @property
    def wal_position(self) -> str | None:
        return None

    def left_out(self, schemas: Sequence[str]) -> Mapping[str, str]:  # noqa: ARG002
        return {}

    def definitions(self) -> Generator[bytes, None, None]:
        if isinstance(self.definitions_sql, DatabaseError):
            raise self.definitions_sql
        yield self.definitions_sql.encode()

    def inventory(self) -> list[ProjectObject]:
        tables = [
            ProjectObject(ObjectKind.TABLE, name, contents.table.schema_name)
            for name, contents in self._contents.items()
        ]
        return [*tables, *self.objects]

    @contextmanager
    def snapshot(self, selects: TableFilter = every_table) -> Iterator[Self]:  # noqa: ARG002
        yield self

    @contextmanager
    def transaction(self, *, dry_run: bool) -> Iterator[BatchTransaction]:
        yield BatchTransaction(self, dry_run=dry_run)

    def catalog(self) -> Catalog:
        return Catalog.of("17.6", (contents.table for contents in self._contents.values()))

    def export(self, selection: Selection) -> Iterator[Rows]:
        table = selection.table
        self._at_export[table.qualified_name] = dict(self._readable(table).rows)
        excluded = selection.policy.unread
        shown = [
            {name: value for name, value in row.items() if name not in excluded}
            for row in self._selected(selection)
        ]
        texts = [_text(row) for row in shown]
        limit = selection.policy.last_rows
        texts = texts if limit is None else texts[:limit]
        for start in range(0, len(texts), self._portion_rows):
            portion = texts[start : start + self._portion_rows]
            yield Rows(b",\n".join(portion), len(portion))

    def count(self, selection: Selection) -> int:
        return len(self._selected(selection))

    def count_untouched(self, selection: Selection) -> int:
        before = self._at_export.get(selection.table.qualified_name, {})
        selected = self._selected(selection)
        return sum(before.get(_key(selection.table, row)) is row for row in selected)

    def read_at_once(self, selection: Selection) -> bool:
        """As with pages: where one portion had all rows."""
        return len(self._at_export[selection.table.qualified_name]) < self._portion_rows

    def count_table(self, table: Table) -> int:
        return len(self._readable(table).rows)

    def upsert(
        self, table: Table, columns: Sequence[str], rows: Sequence[bytes], *, dry_run: bool
    ) -> UpsertCounts:
        contents = self._readable(table)
        if table.qualified_name in self.read_only:
            raise permission_denied(table.schema_name, table.name, writing=True)
        before = dict(contents.rows)
        outcomes = [_upsert(contents, columns, _row(text)) for text in rows]
        of = {
            kind: [text for text, outcome in zip(rows, outcomes, strict=True) if outcome == kind]
            for kind in ("inserted", "updated", "unchanged")
        }
        altered = [] if dry_run else self._fired(contents, of["inserted"] + of["updated"])
        try:
            if not dry_run:
                self._check(contents)
        except ConstraintViolationError:
            contents.rows = before
            raise
        if dry_run:
            contents.rows = before
        return UpsertCounts(
            **{kind: len(texts) for kind, texts in of.items()},
            altered=len(altered),
            examples=_pairs(contents, of["updated"]) if dry_run else altered,
            missing=of["inserted"],
        )

    def advance_sequences(self, table: Table) -> Sequence[str]:
        contents = self._readable(table)
        identities = [column.name for column in table.columns if column.identity]
        if not identities:
            return []
        highest = max(
            (int(_value(row[identities[0]])) for row in contents.rows.values()), default=0
        )
        if highest <= contents.sequence:
            return []
        contents.sequence = highest
        return [f"{table.qualified_name}_{identities[0]}_seq"]

    def _insert(self, contents: _Contents, row: Mapping[str, object] | bytes) -> None:
        text = row if isinstance(row, bytes) else json.dumps(row, separators=(",", ":")).encode()
        given = dict.fromkeys(contents.table.column_names, b"null") | _row(text)
        contents.rows[_key(contents.table, given)] = given

    def _readable(self, table: Table) -> _Contents:
        contents = self._contents.get(table.qualified_name)
        if contents is None:
            raise ExportError(
                f"Table {table.qualified_name} does not exist",
                operation="query",
                key=table.qualified_name,
            )
        if not contents.table.readable:
            raise permission_denied(table.schema_name, table.name)
        return contents

    def _selected(self, selection: Selection) -> list[Row]:
        policy = selection.policy
        contents = self._readable(selection.table)
        rows = sorted(contents.rows.items(), key=lambda item: _sortable(item[0]))
        if policy.order_by is not None:
            column = policy.order_by
            rows.sort(key=lambda item: _nulls_first(item[1][column], item[0]), reverse=True)
        if policy.time_column is not None and selection.since is not None:
            column, since = policy.time_column, selection.since
            rows = [item for item in rows if _is_since(item[1][column], since)]
        return [row for _, row in rows]

    def _fired(self, contents: _Contents, given: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
        """Of these rows those that the table's trigger changes, as they were given and as it leaves
        them.
        """
        set_columns = self.triggers.get(contents.table.qualified_name, {})
        values = {name: json.dumps(value).encode() for name, value in set_columns.items()}
        changed = []
        for text in given:
            key = _key(contents.table, _row(text))
            before, after = contents.rows[key], contents.rows[key] | values
            contents.rows[key] = after
            if after != before:
                changed.append((_text(before), _text(after)))
        return changed

    def _check(self, contents: _Contents) -> None:
        """What Postgres checks at the end of a statement."""
        required = [c.name for c in contents.table.columns if not c.nullable]
        for row in contents.rows.values():
            for name in required:
                if row[name] == b"null":
                    raise _violation(contents, f'null value in column "{name}"')
            for foreign_key in contents.foreign_keys:
                self._check_reference(contents, row, foreign_key)

    def _check_reference(self, contents: _Contents, row: Row, foreign_key: ForeignKey) -> None:
        value = row[foreign_key.column]
        parents = self._contents[foreign_key.parent].rows.values()
        if value != b"null" and all(row[foreign_key.parent_column] != value for row in parents):
            raise _violation(
                contents, f"{foreign_key.column} {value.decode()} is not in {foreign_key.parent}"
            )


def _pairs(contents: _Contents, given: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    """Rows as they were given and as they are in the database."""
    return [(text, _text(contents.rows[_key(contents.table, _row(text))])) for text in given]


class UntouchedDatabase(InMemoryDatabase):
    """Fails the test that opens it."""

    def transaction(self, *, dry_run: bool) -> NoReturn:  # noqa: ARG002
        raise AssertionError("the database was opened")


class FailingExportDatabase(InMemoryDatabase):
    """Fails the export of some tables: `{table: (portions before the failure, error)}`."""

    def __init__(
        self,
        failures: Mapping[str, tuple[int, DatabaseError]],
        *,
        portion_rows: int = 2,
        engine: Engine = REST,
    ) -> None:
        super().__init__(portion_rows=portion_rows, engine=engine)
        self._failures = failures

    def export(self, selection: Selection) -> Iterator[Rows]:
        portions = super().export(selection)
        failure = self._failures.get(selection.table.qualified_name)
        if failure is None:
            yield from portions
            return
        count, error = failure
        for _ in range(count):
            yield next(portions)
        raise error


def _upsert(contents: _Contents, columns: Sequence[str], incoming: Row) -> str:
    key = _key(contents.table, incoming)
    taken = {name: incoming.get(name, b"null") for name in columns}
    present = contents.rows.get(key)
    if present is None:
        contents.rows[key] = dict.fromkeys(contents.table.column_names, b"null") | taken
        return "inserted"
    if present | taken == present:
        return "unchanged"
    contents.rows[key] = present | taken
    return "updated"


def _violation(contents: _Contents, why: str) -> ConstraintViolationError:
    name = contents.table.qualified_name
    return ConstraintViolationError(f"{name}: {why}", operation="restore", key=name)


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


def _row(text: bytes) -> Row:
    fields = json.loads(text, parse_float=_Number, parse_int=_Number, parse_constant=_Number)
    return {name: _json(value).encode() for name, value in fields.items()}


def _json(value: object) -> str:
    if isinstance(value, _Number):
        return value
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json(k)}:{_json(v)}" for k, v in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def _text(row: Row) -> bytes:
    fields = (json.dumps(name, ensure_ascii=False).encode() + b":" + v for name, v in row.items())
    return b"{" + b",".join(fields) + b"}"


def _key(table: Table, row: Row) -> Key:
    return tuple(_value(row[name]) for name in table.primary_key)


def _value(text: bytes) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def _sortable(key: Key) -> Key:
    return key


def _nulls_first(text: bytes, key: Key) -> tuple[bool, Any, Key]:
    value = _value(text)
    # of rows without a value only the key decides
    return (value is not None, 0 if value is None else value, key)


def _is_since(text: bytes, since: dt.datetime) -> bool:
    value = _value(text)
    return value is not None and dt.datetime.fromisoformat(value) >= since
