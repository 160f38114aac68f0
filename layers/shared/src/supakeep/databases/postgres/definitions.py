"""Tables as a manifest describes them, for a server that may not know all of their types."""

from __future__ import annotations

import re
from collections.abc import Mapping

import psycopg
from psycopg import sql

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.sql import columns_of, name_of
from supakeep.domain.drill import NotProven
from supakeep.domain.schema import Column, Table, unquoted

# the types that come with an extension, by the extension's name
_EXTENSIONS = {
    "vector": ("vector", "halfvec", "sparsevec"),
    "citext": ("citext",),
    "hstore": ("hstore",),
    "ltree": ("ltree", "lquery", "ltxtquery"),
}
# `schema.name(modifier)[]`, each name quoted where it has to be
_SPELLED = re.compile(
    r'((?:"(?:[^"]|"")+"|[^".(\[]+))\.((?:"(?:[^"]|"")+"|[^".(\[]+))(?:\([^)]*\))?((?:\[\])*)'
)
# an array of JSON, of any depth, that holds a string
_OF_STRINGS = re.compile(rb'\[(?:\[|null,)*"')


class Definitions:
    """Creates tables; what they cannot show gathers in `not_proven`.

    A type that the server lacks becomes a domain of its name over text, so that its values keep
    their spelling and queries may still name the type. Where its values are not strings, the column
    is of type json, which keeps any text of JSON as it is.

    With `only_tables`, nothing is created but tables, in schemas that are there: such a type becomes text.
    Tables are unlogged, so that they fill no log and no publication has them.
    """

    def __init__(self, connection: Connection, *, only_tables: bool = False) -> None:
        self._only_tables = only_tables
        self.not_proven: list[NotProven] = []
        self._connection = connection
        self._schemas: set[str] = set()
        self._stood_in: set[tuple[str, str]] = set()

    def create(self, table: Table, samples: Mapping[str, bytes]) -> None:
        """Raises psycopg.Error where the server refuses the table."""
        if not self._only_tables:
            self._create_schema(table.schema_name)
        types = {c.name: self._type(c, samples.get(c.name)) for c in table.columns}
        parts = [self._column(column, types[column.name]) for column in table.columns]
        if table.primary_key and self._may_be_key(table, types):
            parts.append(sql.SQL("primary key ({})").format(columns_of(table.primary_key)))
        self._execute(
            sql.SQL("create unlogged table {} ({})"), name_of(table), sql.SQL(", ").join(parts)
        )
        self._note_generated(table)

    def _column(self, column: Column, type_name: str) -> sql.Composable:
        parts = [sql.Identifier(column.name), sql.SQL(type_name)]
        if column.identity is not None:
            parts.append(sql.SQL(f"generated {column.identity} as identity"))
        elif not column.nullable:
            parts.append(sql.SQL("not null"))
        return sql.SQL(" ").join(parts)

    def _may_be_key(self, table: Table, types: Mapping[str, str]) -> bool:
        without_order = [name for name in table.primary_key if types[name] == "json"]
        if without_order:
            self._note(
                f"the primary key of {table.qualified_name}",
                f"this server does not have the type of {without_order[0]}",
            )
        return not without_order

    def _note_generated(self, table: Table) -> None:
        for column in table.columns:
            if column.generated:
                self._note(
                    f"how {table.qualified_name}.{column.name} is generated",
                    "the backup has the values and not the expression",
                )

    def _type(self, column: Column, sample: bytes | None) -> str:
        """The column's type on this server."""
        spelled = _SPELLED.fullmatch(column.type)
        if spelled is None:
            return column.type if self._exists(column.type) else self._kept_as("text", column.type)
        schema, name, is_array = _plain(spelled[1]), _plain(spelled[2]), bool(spelled[3])
        is_stood_in = (schema, name) in self._stood_in
        if not is_stood_in and self._is_there(schema, name, column.type):
            return column.type
        if is_array:
            # an array of a domain is printed otherwise than one of the type that it stands in for
            return self._kept_as(_array_kind(sample), column.type)
        if sample is not None and sample[:1] != b'"':
            return self._kept_as("json", column.type)
        if self._only_tables:
            return self._kept_as("text", column.type)
        return self._domain(schema, name, column.type)

    def _domain(self, schema: str, name: str, type_name: str) -> str:
        identifier = sql.Identifier(schema, name)
        if (schema, name) not in self._stood_in:
            self._create_schema(schema)
            self._execute(sql.SQL("create domain {} as text"), identifier)
            self._stood_in.add((schema, name))
        self._kept_as("text", type_name)
        return identifier.as_string(self._connection)

    def _is_there(self, schema: str, name: str, type_name: str) -> bool:
        """Whether the server has this type, or an extension that brings it."""
        if self._exists(type_name):
            return True
        if self._only_tables:
            return False
        return self._has_extension(schema, name) and self._exists(type_name)

    def _has_extension(self, schema: str, type_name: str) -> bool:
        """Creates the extension that has this type, where the server has that."""
        extension = next((e for e, types in _EXTENSIONS.items() if type_name in types), None)
        available = "select from pg_available_extensions where name = $1"
        if extension is None or not self._connection.execute(available, [extension]).fetchall():
            return False
        self._create_schema(schema)
        create = sql.SQL("create extension if not exists {} schema {}")
        self._execute(create, sql.Identifier(extension), sql.Identifier(schema))
        return True

    def _exists(self, type_name: str) -> bool:
        try:
            with self._connection.transaction():
                [(found,)] = self._connection.execute(
                    "select to_regtype($1) is not null", [type_name]
                ).fetchall()
        except psycopg.errors.SyntaxError:
            return False
        return bool(found)

    def _create_schema(self, schema: str) -> None:
        if schema not in self._schemas:
            self._execute(sql.SQL("create schema if not exists {}"), sql.Identifier(schema))
            self._schemas.add(schema)

    def _kept_as(self, kind: str, type_name: str) -> str:
        self._note(
            f"the type {type_name}",
            f"this server does not have it, so its values were kept as {kind}",
        )
        return kind

    def _note(self, what: str, why: str) -> None:
        note = NotProven(what=what, why=why)
        if note not in self.not_proven:
            self.not_proven.append(note)

    def _execute(self, statement: sql.SQL, *parts: sql.Composable) -> None:
        self._connection.execute(statement.format(*parts))


def _array_kind(sample: bytes | None) -> str:
    """What holds arrays of a type that is not there, and prints them as they are in the document: of
    composites, for example, that is their text.
    """
    if sample is None or _OF_STRINGS.match(sample):
        return "text[]"
    return "text" if sample.startswith(b'"') else "json"


def _plain(identifier: str) -> str:
    """A name without the quotes that it may have in SQL."""
    return unquoted(identifier) if identifier.startswith('"') else identifier
