"""What changed between two states of a project's definitions, object by object."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from supakeep.domain.definitions_script import Definition, DefinitionsScript, lines_of, object_name

# the order of whose lines says nothing: columns are found by name, and rights add up
_IN_ANY_ORDER = frozenset({"TABLE", "ACL", "DEFAULT ACL", "FOREIGN TABLE"})

_Objects = Mapping[tuple[str, str, str], list[str]]


class DefinitionStatus(StrEnum):
    """What happened to an object."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class DefinitionChange(BaseModel):
    """`kind` and `name` as pg_dump writes them, such as `POLICY` and `credits own rows`; `schema_name`
    is None for what lies in no schema. The lines are SQL: those that only one of both has.
    """

    model_config = ConfigDict(frozen=True)

    status: DefinitionStatus
    kind: str
    schema_name: str | None
    name: str
    removed_lines: tuple[str, ...] = ()
    added_lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return object_name(self.kind, self.schema_name or "", self.name)


class DefinitionsDiff(BaseModel):
    """`after` is the name of a backup, or the database as a restore is confirmed with it; `same` is how
    many objects are as they were.
    """

    model_config = ConfigDict(frozen=True)

    before: str
    after: str
    after_is_database: bool
    changes: tuple[DefinitionChange, ...]
    same: int
    warnings: tuple[str, ...] = ()


def definition_changes(
    before: DefinitionsScript, after: DefinitionsScript
) -> tuple[list[DefinitionChange], int]:
    """The changes in the order of schema and name, and how many objects are the same. The order in
    which a script makes the objects says nothing, and neither does that of columns and rights.
    """
    old, new = lines_by_object(before), lines_by_object(after)
    changes = [*_changes(old, new)]
    changes.sort(key=lambda change: (change.schema_name or "", change.name, change.kind))
    return changes, len(old.keys() & new.keys()) - _changed(changes)


def _changes(old: _Objects, new: _Objects) -> Iterator[DefinitionChange]:
    for key in old.keys() | new.keys():
        removed, added = _only_in_one(key[0], old.get(key, []), new.get(key, []))
        if key not in old:
            yield _change(DefinitionStatus.ADDED, key, removed, added)
        elif key not in new:
            yield _change(DefinitionStatus.REMOVED, key, removed, added)
        elif removed or added:
            yield _change(DefinitionStatus.CHANGED, key, removed, added)


def lines_by_object(script: DefinitionsScript) -> _Objects:
    """The lines of each object. Several of one name, such as comments, count as one."""
    found: dict[tuple[str, str, str], list[list[str]]] = defaultdict(list)
    for definition in script.definitions:
        key = (definition.kind, definition.schema, definition.name)
        found[key].append(_lines(definition))
    return {key: [line for one in sorted(many) for line in one] for key, many in found.items()}


def _lines(definition: Definition) -> list[str]:
    if definition.kind not in _IN_ANY_ORDER:
        return definition.sql.split("\n")
    lines = (line.strip() for line in lines_of(definition.sql))
    # the last column of a table has no comma
    return sorted(line.removesuffix(",") for line in lines if line)


def _only_in_one(kind: str, old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    if kind in _IN_ANY_ORDER:
        old, new = sorted(old), sorted(new)
    removed, added = list[str](), list[str]()
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            removed += old[i1:i2]
            added += new[j1:j2]
    return removed, added


def _changed(changes: list[DefinitionChange]) -> int:
    return sum(change.status is DefinitionStatus.CHANGED for change in changes)


def _change(
    status: DefinitionStatus, key: tuple[str, str, str], removed: list[str], added: list[str]
) -> DefinitionChange:
    kind, schema, name = key
    return DefinitionChange(
        status=status,
        kind=kind,
        schema_name=None if schema in ("", "-") else schema,
        name=name,
        removed_lines=tuple(removed),
        added_lines=tuple(added),
    )
