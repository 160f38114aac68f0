"""Tables of the example project, and selections of them."""

from __future__ import annotations

import datetime as dt

from supakeep.domain.plan import Selection
from supakeep.domain.policy import TablePolicy
from supakeep.domain.schema import Catalog, Column, Table


def a_table(
    name: str = "user_credits",
    *columns: str,
    schema: str = "public",
    primary_key: tuple[str, ...] = ("id",),
    references: tuple[str, ...] = (),
    readable: bool = True,
    rows_hidden: bool = False,
) -> Table:
    """Columns are `name` (bigint) or `name type`; an `id` of type bigint comes first by itself."""
    given = [_column(text) for text in columns]
    if "id" in primary_key and all(column.name != "id" for column in given):
        given.insert(0, Column(name="id", type="bigint", nullable=False))
    return Table(
        schema_name=schema,
        name=name,
        columns=tuple(given),
        primary_key=primary_key,
        references=references,
        readable=readable,
        rows_hidden=rows_hidden,
    )


def a_catalog(*tables: Table) -> Catalog:
    return Catalog.of("17.6", tables)


def a_selection(
    table: Table | None = None,
    *,
    last_rows: int | None = None,
    order_by: str | None = None,
    last_days: int | None = None,
    time_column: str | None = None,
    since: dt.datetime | None = None,
) -> Selection:
    policy = TablePolicy(
        last_rows=last_rows, order_by=order_by, last_days=last_days, time_column=time_column
    )
    return Selection(table or a_table(), policy, since)


def _column(text: str) -> Column:
    name, _, type_ = text.partition(" ")
    return Column(name=name, type=type_ or "bigint")
