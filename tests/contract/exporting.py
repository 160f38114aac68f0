"""Reading through a port: the rows of a database, the bytes of a store."""

from __future__ import annotations

import json
from typing import Any

from supakeep.databases.data_api.writer import UpsertCounts
from supakeep.domain.plan import Selection
from supakeep.domain.schema import Table
from supakeep.ports import ObjectStore
from tests.builders.tables import a_table
from tests.contract.workbench import SupabaseWorkbench, Workbench


def table(bench: Workbench, name: str, *columns: str, **fields: Any) -> Table:
    return a_table(name, *columns, schema=bench.schema, **fields)


def exported(bench: Workbench, selection: Selection) -> list[dict[str, Any]]:
    """The rows of all portions, each of which says how many it has."""
    rows: list[dict[str, Any]] = []
    for portion in bench.database.export(selection):
        lines = portion.lines.split(b",\n")
        assert len(lines) == portion.count > 0
        rows += [json.loads(line) for line in lines]
    return rows


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [int(row["id"]) for row in rows]


def upserted(
    bench: Workbench, on: Table, *rows: dict[str, Any], dry_run: bool = False
) -> tuple[int, int, int]:
    # spelled as Postgres spells them: the postgres engine compares rows as bytes
    texts = [json.dumps(row, separators=(",", ":")).encode() for row in rows]
    counts = bench.database.upsert(on, on.writable_columns, texts, dry_run=dry_run)
    return counts.inserted, counts.updated, counts.unchanged


def upsert(
    bench: SupabaseWorkbench, table: Table, *rows: str, dry_run: bool = False
) -> UpsertCounts:
    texts = [row.encode() for row in rows]
    return bench.database.upsert(table, table.writable_columns, texts, dry_run=dry_run)


def read(store: ObjectStore, key: str) -> bytes:
    with store.read(key) as pieces:
        return b"".join(pieces)
