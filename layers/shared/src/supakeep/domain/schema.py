"""A database's tables, and the order that their foreign keys give them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict


class Column(BaseModel):
    """A column as `pg_attribute` has it; `type` is Postgres's own spelling, such as `numeric(12,4)`."""

    model_config = ConfigDict(frozen=True)

    name: str
    type: str
    nullable: bool = True
    identity: Literal["always", "by default"] | None = None
    generated: bool = False


class ForeignKey(BaseModel):
    """`columns` of the table that has it refer to `parent_columns` of `parent`, `schema.name`.

    Rows may violate a key that is not `validated` (NOT VALID, NOT ENFORCED), as they did before. One
    that is `match_full` allows nulls in all its columns or in none.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    columns: tuple[str, ...]
    parent: str
    parent_schema: str
    parent_name: str
    parent_columns: tuple[str, ...]
    validated: bool = True
    match_full: bool = False


class Table(BaseModel):
    """A table and what its rows depend on.

    `shares_name` is whether another table has the same schema and name with a dot between them, as
    `a."b.c"` and `"a.b".c` have. The qualified name quotes both then.

    `references` names the tables that its foreign keys point to. `readable` and `rows_hidden` are
    about the role that asked: without the first it may not select, with the second row-level
    security would leave rows out without an error; `writable` is whether it may insert and update.

    A row holds the values of `text_columns` as text, and those of `array_columns` if a lower bound is
    not 1.
    `json_columns` and `jsonb_columns` are of these types or of domains over them; `base_types` has,
    for each column of a domain, the type below all domains.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    schema_name: str
    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    partitioned: bool = False
    has_triggers: bool = False
    shares_name: bool = False
    readable: bool = True
    writable: bool = True
    rows_hidden: bool = False
    text_columns: tuple[str, ...] = ()
    array_columns: tuple[str, ...] = ()
    json_columns: tuple[str, ...] = ()
    jsonb_columns: tuple[str, ...] = ()
    base_types: Mapping[str, str] = {}

    @property
    def qualified_name(self) -> str:
        return (
            quoted_name(self.schema_name, self.name)
            if self.shares_name
            else f"{self.schema_name}.{self.name}"
        )

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def writable_columns(self) -> tuple[str, ...]:
        """All but the generated columns, which refuse any value."""
        return tuple(column.name for column in self.columns if not column.generated)

    def without(self, excluded: Collection[str]) -> Self:
        """The table as if it had not these columns; it still refers to the same tables."""
        if not excluded:
            return self
        lists = ("text_columns", "array_columns", "json_columns", "jsonb_columns")
        rest = {name: tuple(c for c in getattr(self, name) if c not in excluded) for name in lists}
        columns = tuple(column for column in self.columns if column.name not in excluded)
        keys = tuple(key for key in self.foreign_keys if not set(key.columns) & set(excluded))
        return self.model_copy(update={**rest, "columns": columns, "foreign_keys": keys})


class Catalog(BaseModel):
    """A database's tables by qualified name, the server's version, and the role that asked.

    `schemas` are all that exist, or only those that have tables where more is not known.
    """

    model_config = ConfigDict(frozen=True)

    server_version: str
    tables: Mapping[str, Table]
    role: str = "service_role"
    schemas: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        server_version: str,
        tables: Iterable[Table],
        *,
        role: str = "service_role",
        schemas: Iterable[str] = (),
    ) -> Self:
        """These tables, in the order of their names. Tables that share a name are marked so."""
        tables = list(tables)
        count = Counter(table.qualified_name for table in tables)
        shared = {name for name in count if count[name] > 1}
        marked = sorted(
            (_marked(table, shared) for table in tables), key=lambda table: table.qualified_name
        )
        return cls(
            server_version=server_version,
            tables=MappingProxyType({table.qualified_name: table for table in marked}),
            role=role,
            schemas=frozenset(schemas).union(table.schema_name for table in tables),
        )

    def find(self, schema: str, name: str) -> Table | None:
        """The table of this schema and name, whether or not it shares its qualified name."""
        for qualified in (f"{schema}.{name}", quoted_name(schema, name)):
            table = self.tables.get(qualified)
            if table is not None and (table.schema_name, table.name) == (schema, name):
                return table
        return None

    def ambiguous(self, name: str) -> list[str]:
        """The qualified names of the tables that share this one."""
        return [
            qualified
            for qualified, table in self.tables.items()
            if table.shares_name and f"{table.schema_name}.{table.name}" == name
        ]


def _marked(table: Table, shared: set[str]) -> Table:
    """The table as a catalog has it in which these names belong to several tables."""
    if not shared:
        return table
    keys = tuple(
        key.model_copy(update={"parent": quoted_name(key.parent_schema, key.parent_name)})
        if key.parent in shared
        else key
        for key in table.foreign_keys
    )
    return table.model_copy(
        update={
            "shares_name": table.qualified_name in shared,
            "foreign_keys": keys,
            "references": tuple(sorted({key.parent for key in keys})),
        }
    )


def quoted_name(schema: str, name: str) -> str:
    """A table's name in which it is clear where the schema ends."""
    return f"{quoted_identifier(schema)}.{quoted_identifier(name)}"


def quoted_identifier(name: str) -> str:
    """A name as SQL has to spell it, whatever its letters."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def unquoted(identifier: str) -> str:
    """The name of a quoted identifier."""
    return identifier[1:-1].replace('""', '"')


def columns_fingerprint(columns: Sequence[Column]) -> str:
    """A short digest that changes when a column is added, dropped, renamed or changes type."""
    text = "\n".join(f"{column.name}\t{column.type}" for column in columns)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def parents_first(references: Mapping[str, Iterable[str]]) -> list[str]:
    """Orders tables so that each stands after the tables it refers to.

    References to tables outside the mapping and to the table itself do not count. In a cycle there
    is no such order; its tables then follow by name.
    """
    waiting = {
        name: {parent for parent in parents if parent in references and parent != name}
        for name, parents in references.items()
    }
    ordered: list[str] = []
    while waiting:
        ready = sorted(name for name, parents in waiting.items() if not parents)
        # a cycle: break one that waits for no other, the order inside it cannot be right anyway
        ready = ready or [min(waiting, key=lambda name: (len(_lineage(name, waiting)), name))]
        ordered += ready
        for name in ready:
            del waiting[name]
        for parents in waiting.values():
            parents.difference_update(ready)
    return ordered


def _lineage(name: str, parents: Mapping[str, set[str]]) -> set[str]:
    """The table itself, the tables that it refers to, those that they refer to, and so on."""
    found: set[str] = set()
    unseen = {name}
    while unseen:
        found |= unseen
        unseen = set().union(*(parents[parent] for parent in unseen)) - found
    return found


def writable_columns(live: Table, backed_up: Table) -> list[str]:
    """The columns that a restore sets: those that both have and that neither generates."""
    given = set(backed_up.writable_columns)
    return [name for name in live.writable_columns if name in given]
