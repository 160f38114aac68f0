"""Tables as `sql/tables.sql` describes them, for both engines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from supakeep.domain.schema import Catalog, Column, ForeignKey, Table


def catalog_of(
    server_version: str,
    described: Iterable[Mapping[str, Any]],
    *,
    role: str = "service_role",
    schemas: Iterable[str] = (),
) -> Catalog:
    """The catalog of the tables that the query described to `role`, and of `schemas` without any."""
    return Catalog.of(server_version, map(_table, described), role=role, schemas=schemas)


def _table(fields: Mapping[str, Any]) -> Table:
    keys = tuple(ForeignKey.model_validate(key) for key in fields["foreign_keys"])
    return Table(
        schema_name=fields["schema_name"],
        name=fields["name"],
        columns=tuple(Column.model_validate(column) for column in fields["columns"]),
        primary_key=tuple(fields["primary_key"]),
        references=tuple(sorted({key.parent for key in keys})),
        foreign_keys=keys,
        readable=fields["readable"],
        writable=fields["writable"],
        rows_hidden=fields["rows_hidden"],
        partitioned=fields["partitioned"],
        has_triggers=fields["has_triggers"],
        text_columns=tuple(fields["text_columns"]),
        array_columns=tuple(fields["array_columns"]),
        json_columns=tuple(fields["json_columns"]),
        jsonb_columns=tuple(fields["jsonb_columns"]),
        base_types=fields["base_types"],
    )
