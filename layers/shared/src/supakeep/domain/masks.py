"""Which columns cannot be masked as the policy asks."""

from __future__ import annotations

import re

from supakeep.domain.policy import TablePolicy
from supakeep.domain.schema import Table
from supakeep.errors import ExportError

_TEXT = re.compile(r"text|character varying(?:\((\d+)\))?")
_HASH_CHARACTERS = 64
_TAKE_A_HASH = f"Only text, varchar and varchar({_HASH_CHARACTERS}) or longer can."
_LEAVE_OUT = "leave the column out (exclude_columns)"


def mask_objection(table: Table, policy: TablePolicy) -> ExportError | None:
    """The first mask that does not fit its column. All of them are columns of the table."""
    types = {column.name: column.type for column in table.columns}
    for name in policy.masked:
        if name in table.primary_key:
            why = f"is in the primary key of {table.qualified_name}, so it cannot be masked"
            return _refused(table, name, why, "A restore finds rows by their key.")
    for name in policy.nulled:
        if problem := _against_null(table, name):
            return problem
    for name in policy.hashed:
        if not _takes_a_hash(types[name]):
            why = f"of {table.qualified_name} is of type {types[name]}, so it cannot be hashed"
            return _refused(table, name, why, f"{_TAKE_A_HASH} Mask it with null, or {_LEAVE_OUT}.")
    return None


def _takes_a_hash(type_: str) -> bool:
    """Whoever reads rows back by hand reads them as the table's type, which has to take the hash."""
    text = _TEXT.fullmatch(type_)
    return text is not None and int(text[1] or _HASH_CHARACTERS) >= _HASH_CHARACTERS


def _against_null(table: Table, name: str) -> ExportError | None:
    column = next(column for column in table.columns if column.name == name)
    if any(name in key.columns for key in table.foreign_keys):
        why = f"is in a foreign key of {table.qualified_name}, so it cannot be masked with null"
        return _refused(table, name, why, f"Remove it from mask, or {_LEAVE_OUT}.")
    if not column.nullable:
        why = f"of {table.qualified_name} is NOT NULL, so it cannot be masked with null"
        return _refused(table, name, why, f'A text can be masked with "hash". Or {_LEAVE_OUT}.')
    return None


def _refused(table: Table, column: str, why: str, fix: str) -> ExportError:
    return ExportError(
        f"Column {column} {why}",
        operation="export",
        key=table.qualified_name,
        hint=f"Change mask in supakeep.toml. {fix}",
    )
