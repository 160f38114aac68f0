"""Portions of a table's rows as lines of a document, as fast as their values allow."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import LiteralString, NamedTuple

from psycopg import sql

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.encodings import Encoding, exact_encoding, fast_encoding
from supakeep.databases.postgres.lines import TOO_WIDE, line_of
from supakeep.domain.schema import Column, Table
from supakeep.ports import Rows

# A column that was read in vain so often is spelled exactly from then on.
_PATIENCE = 3
# PostgreSQL takes no more arguments of a function
_MOST_ARGUMENTS = 100
_PORTION: LiteralString = """
select pg_catalog.string_agg(r.line, E',\\n') filter (where pg_catalog.octet_length(r.line) <= {width}),
       case when pg_catalog.max(pg_catalog.octet_length(r.line)) > {width} then {too_wide}
            else pg_catalog.count(*) end{proofs}
  from (select {line} as line{proven} {rows}) r
"""
# whether values together need more than two quotes around them
_ESCAPED: LiteralString = (
    "pg_catalog.octet_length(pg_catalog.to_json({joined})::text)"
    " > 2 + pg_catalog.octet_length({joined})"
)
_JOINED: LiteralString = (
    "pg_catalog.string_agg({value}, '') filter (where pg_catalog.octet_length(r.line) <= {width})"
)
_DOUBTED: LiteralString = "pg_catalog.bool_or({value})"


class LineEncodings:
    """How the columns of a table are spelled in lines, which changes with what is found in them.

    `columns` are those that a line has, by default all. One object serves all portions of a table,
    from any thread.
    """

    def __init__(self, table: Table, columns: Iterable[str] | None = None) -> None:
        names = set(table.column_names if columns is None else columns)
        self.table = table
        self.columns = [column for column in table.columns if column.name in names]
        self._found: Counter[str] = Counter()

    def suspects(self) -> frozenset[str]:
        """The columns of which some portion was read in vain."""
        return frozenset(self._found)

    def distrusted(self) -> frozenset[str]:
        """The columns that are spelled exactly at once."""
        return frozenset(name for name, times in self._found.items() if times >= _PATIENCE)

    def suspect(self, names: Iterable[str]) -> None:
        """Counts a portion in which these columns held a value that their encoding does not spell."""
        self._found.update(names)


class PortionQuery:
    """A query for rows of a table, the same every time but for its parameters.

    `rows` is all that follows the select list of rows `t`: from, where, order by, limit. `width`, a
    parameter or a literal, is the largest number of bytes that a line may have.
    """

    def __init__(
        self, encodings: LineEncodings, rows: sql.Composable, width: sql.Composable
    ) -> None:
        self._encodings = encodings
        self._rows = rows
        self._width = width
        self._composed: dict[frozenset[str], _Composed] = {}

    def fetch(self, connection: Connection, parameters: Sequence[str]) -> Rows:
        """The lines, put together, and their number; TOO_WIDE where one of them is too wide.

        The bytes are those of `line_of`. The text is taken as it came over the wire, UTF-8, and never
        made a string.
        """
        exact = self._encodings.distrusted()
        while True:
            composed = self._for(exact)
            rows, doubted = composed.fetch(connection, parameters)
            if not doubted or rows.count == TOO_WIDE:
                return rows
            self._encodings.suspect(doubted)
            exact |= doubted

    def _for(self, exact: frozenset[str]) -> _Composed:
        if exact not in self._composed:
            self._composed[exact] = self._compose(exact)
        return self._composed[exact]

    def _compose(self, exact: frozenset[str]) -> _Composed:
        table, columns = self._encodings.table, self._encodings.columns
        if exact.intersection((*table.json_columns, *table.jsonb_columns)):
            # the line needs its member without a name
            line, encodings = line_of(table, [column.name for column in columns]), {}
        else:
            encodings = {
                column: (exact_encoding if column.name in exact else fast_encoding)(table, column)
                for column in columns
            }
            line = _line(table, encodings)
        proofs = list(_proofs(encodings, self._width))
        query = sql.SQL(_PORTION).format(
            line=line,
            rows=self._rows,
            width=self._width,
            too_wide=sql.Literal(TOO_WIDE),
            proofs=_listed(proof.aggregate for proof in proofs),
            proven=_listed(proof.value for proof in proofs),
        )
        return _Composed(query.as_bytes(), tuple(proof.column for proof in proofs))


class _Composed(NamedTuple):
    """A query, and the columns that it proves, in order, behind the lines and their number."""

    query: bytes
    proven: tuple[str, ...]

    def fetch(
        self, connection: Connection, parameters: Sequence[str]
    ) -> tuple[Rows, frozenset[str]]:
        """The rows, and the columns that hold a value which is spelled otherwise."""
        result = connection.execute(self.query, parameters, binary=True).pgresult
        if result is None:
            return Rows(b"", 0), frozenset()
        lines, count, *proofs = (result.get_value(0, n) for n in range(2 + len(self.proven)))
        doubted = frozenset(
            name for name, proof in zip(self.proven, proofs, strict=True) if proof == b"\1"
        )
        return Rows(lines or b"", int.from_bytes(count or b"\0", "big")), doubted


class _Proof(NamedTuple):
    """What is computed of each row for a column, and of the portion for that."""

    column: str
    value: sql.Composable
    aggregate: sql.Composable


def _proofs(encodings: Mapping[Column, Encoding], width: sql.Composable) -> Iterator[_Proof]:
    for number, (column, encoding) in enumerate(encodings.items()):
        name = sql.Identifier(f"p{number}")
        value = sql.SQL("r.{}").format(name)
        if encoding.text is not None:
            joined = sql.SQL(_JOINED).format(value=value, width=width)
            escaped = sql.SQL(_ESCAPED).format(joined=joined)
            yield _Proof(column.name, sql.SQL("{} as {}").format(encoding.text, name), escaped)
        elif encoding.doubt is not None:
            doubted = sql.SQL(_DOUBTED).format(value=value)
            yield _Proof(column.name, sql.SQL("{} as {}").format(encoding.doubt, name), doubted)


def _listed(items: Iterable[sql.Composable]) -> sql.Composed:
    return sql.Composed([sql.SQL(", ") + item for item in items])


def _line(table: Table, encodings: Mapping[Column, Encoding]) -> sql.Composable:
    """A row of `t` as one text."""
    arguments: list[sql.Composable] = []
    before = _Value("", "", None)
    for column, encoding in encodings.items():
        head = f"{',' if arguments else '{'}{json.dumps(column.name, ensure_ascii=False)}:"
        value = _Value(encoding.opening, encoding.closing, _null_test(table, column, encoding))
        arguments += [_between(before, head, value), encoding.value]
        before = value
    end = "}" if arguments else "{}"
    return _concatenated([*arguments, _between(before, end, _Value("", "", None))])


class _Value(NamedTuple):
    """The literals around a value, and a test for SQL's null where they say it."""

    opening: str
    closing: str
    is_null: sql.Composable | None


def _null_test(table: Table, column: Column, encoding: Encoding) -> sql.Composable | None:
    # not only a nullable column can hold a null
    if encoding.spells_null or column.name in table.primary_key:
        return None
    return sql.SQL("{} is null").format(sql.Identifier("t", column.name))


def _between(before: _Value, text: str, after: _Value) -> sql.Composable:
    """What stands between two values."""

    def opened(closing: str) -> sql.Composable:
        spelled = sql.Literal(closing + text + after.opening)
        null = sql.Literal(closing + text + "null")
        return _chosen(after.is_null, null, spelled)

    if before.is_null is None or not before.closing:
        return opened(before.closing)
    return _chosen(before.is_null, opened(""), opened(before.closing))


def _chosen(
    condition: sql.Composable | None, then: sql.Composable, otherwise: sql.Composable
) -> sql.Composable:
    if condition is None:
        return otherwise
    return sql.SQL("case when {} then {} else {} end").format(condition, then, otherwise)


def _concatenated(arguments: Sequence[sql.Composable]) -> sql.Composable:
    if len(arguments) <= _MOST_ARGUMENTS:
        return sql.SQL("pg_catalog.concat({})").format(sql.SQL(", ").join(arguments))
    pieces = [
        _concatenated(arguments[first : first + _MOST_ARGUMENTS])
        for first in range(0, len(arguments), _MOST_ARGUMENTS)
    ]
    return _concatenated(pieces)
