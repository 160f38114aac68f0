"""The document's layout: one JSON value, one row a line (docs/format.md)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from typing import Any

from supakeep.domain.manifest import FORMAT
from supakeep.domain.plan import Selection
from supakeep.errors import ChecksumError

ROW_SEPARATOR = b",\n"


def document_head(
    *, backup: str, project: str, created_at: dt.datetime, source: dict[str, Any]
) -> bytes:
    """The first two lines, up to where the first table stands."""
    fields = {
        "format": FORMAT,
        "backup": backup,
        "project": project,
        "created_at": created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "source": source,
    }
    return _compact(fields)[:-1] + b',\n"tables":{\n'


def table_head(selection: Selection) -> bytes:
    """From the table's name to the bracket that opens its rows."""
    table = selection.recorded
    fields = {
        "columns": [column.model_dump(mode="json") for column in table.columns],
        "primary_key": list(table.primary_key),
        "policy": selection.policy.model_dump(mode="json", exclude_none=True),
    }
    return _compact(table.qualified_name) + b":" + _compact(fields)[:-1] + b',"rows":['


def table_foot(*, error: str | None = None) -> bytes:
    """Closes the rows; a table that failed on the way says so to whoever reads the document."""
    return b"]" + (b',"incomplete":' + _compact(error) if error else b"") + b"}"


DOCUMENT_FOOT = b"\n}\n}\n"


def split_rows(part: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The row lines of a part, from its bytes in pieces of any size: with each piece those that it
    completes.

    The bytes are those that the manifest's checksum covers: rows with `,` and a line break between.
    """
    pending: list[bytes] = []
    for piece in part:
        pending.append(piece)
        if b"\n" not in piece:
            continue  # a row may be far longer than a piece
        content = b"".join(pending)
        rows = content.split(ROW_SEPARATOR)
        pending = [rows.pop()]
        if content.count(b"\n") != len(rows) or not all(rows):
            raise ChecksumError(
                "The document's rows are not laid out one a line",
                operation="read document",
                hint="The document was changed after it was written; use another copy.",
            )
        if rows:
            yield rows
    if last := b"".join(pending):
        yield [last]


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
