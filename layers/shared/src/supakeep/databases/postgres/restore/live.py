"""The rows that stand in a table now, as lines to compare with those of a backup."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import NamedTuple

import psycopg
from psycopg import sql

from supakeep.databases.postgres.lines import TOO_WIDE
from supakeep.databases.postgres.portions import LineEncodings, PortionQuery
from supakeep.databases.postgres.restore.keys import Key
from supakeep.databases.postgres.restore.session import RestoreSession
from supakeep.databases.postgres.sql import columns_of, key_of, key_parameters, rows_of
from supakeep.domain.schema import Table
from supakeep.ports import Rows

# a range of keys that holds more live rows than this many times the backup's is not fetched whole
_MOST_LIVE = 4
# and one in which a row is wider than its share of this is not either
_MOST_BYTES = 16 * 1024 * 1024
_AHEAD = 3


class LiveRange(NamedTuple):
    """Rows of the backup, their first and last key, and the live rows between these."""

    rows: Sequence[bytes]
    first: Key
    last: Key
    found: Future[Rows]

    def live(self) -> bytes | None:
        """The live rows as in a document; None where they are far more than those of the backup, or
        where some are far wider.
        """
        live = self.found.result()
        return live.lines if live.count <= _most(self.rows) else None

    @property
    def is_wide(self) -> bool:
        """Whether that was because of the width of a live row."""
        return self.found.result().count == TOO_WIDE


class LiveRanges:
    """Reads ranges of one table's keys, as far ahead as there are connections to do so."""

    def __init__(
        self,
        session: RestoreSession,
        table: Table,
        compared: Sequence[str],
        *,
        read_ahead: bool = True,
    ) -> None:
        self._session = session
        self._readers = session.readers if read_ahead else None
        count = len(table.primary_key)
        rows_between = sql.SQL(
            "from {rows} t where {key} >= {first} and {key} <= {last} order by {columns} limit {limit}"
        ).format(
            rows=rows_of(table),
            key=key_of(table),
            first=key_parameters(table, 1),
            last=key_parameters(table, 1 + count),
            columns=columns_of(table.primary_key, "t"),
            limit=sql.SQL(f"${1 + 2 * count}::bigint"),
        )
        width = sql.SQL(f"${2 + 2 * count}::bigint")
        self._query = PortionQuery(LineEncodings(table, compared), rows_between, width)

    @property
    def ahead(self) -> int:
        """How many ranges to ask for before the first is used."""
        return _AHEAD * self._readers.count if self._readers else 0

    def ask(self, rows: Sequence[bytes], first: Key, last: Key) -> LiveRange:
        width = max(_MOST_BYTES // len(rows), 2 * max(map(len, rows)))
        parameters = [*first, *last, str(_most(rows) + 1), str(width)]
        if self._readers:
            return LiveRange(rows, first, last, self._readers.submit(self._query, parameters))
        return LiveRange(rows, first, last, self._read_now(parameters))

    def _read_now(self, parameters: Sequence[str]) -> Future[Rows]:
        connection = self._session.to_read()
        found: Future[Rows] = Future()
        try:
            found.set_result(self._query.fetch(connection, parameters))
        except psycopg.Error as exc:
            found.set_exception(exc)
        return found


def _most(rows: Sequence[bytes]) -> int:
    return _MOST_LIVE * len(rows)
