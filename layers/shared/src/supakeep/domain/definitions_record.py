"""What a manifest remembers of the definitions, so that the next backup notices what changed about them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from supakeep.domain.definitions_diff import DefinitionStatus, lines_by_object
from supakeep.domain.definitions_script import object_name, read_script
from supakeep.domain.manifest_parts import ManifestPart, Problem

# whoever takes one of these away, or loosens it, changes who may read and write what
_ACCESS = frozenset({"ACL", "DEFAULT ACL", "POLICY", "ROW SECURITY"})
_RELATIONS = frozenset({"FOREIGN TABLE", "MATERIALIZED VIEW", "TABLE", "VIEW"})
_TOLD = _ACCESS | {
    *("AGGREGATE", "EVENT TRIGGER", "FUNCTION", "MATERIALIZED VIEW", "PROCEDURE", "RULE"),
    *("TRIGGER", "VIEW"),
}
_PLURAL = frozenset({"ACL", "DEFAULT ACL"})
_SERVER = re.compile(r"^-- Dumped from database version (\d+)", re.MULTILINE)
_PG_DUMP = re.compile(r"^-- Dumped by pg_dump version (\d+)", re.MULTILINE)

_Objects = Mapping[str, Mapping[str, str | None]]


class DefinitionsRecord(ManifestPart):
    """The objects of the definitions of `backup`: by their kind, as pg_dump names it, and their name, a
    digest of the SQL that makes them, or None where that would give something away. Digests are comparable
    where both versions (major numbers) and `key_id`, the key that they were made with, are the same.
    """

    backup: str
    server: int | None = None
    pg_dump: int | None = None
    key_id: str | None = None
    objects: dict[str, dict[str, str | None]]

    def spells_like(self, other: DefinitionsRecord) -> bool:
        """Whether a different digest means a different object."""
        mine, theirs = ((r.server, r.pg_dump, r.key_id) for r in (self, other))
        return mine == theirs


class ObjectChange(Problem):
    """An object of the definitions that is another one than in the backup `before`, or is gone, or new.
    Where it has a `hint`, somebody should look at it.
    """

    status: DefinitionStatus
    kind: str
    name: str
    before: str


def record_definitions(
    backup: str, text: str, digest: Callable[[str], str | None], key_id: str | None
) -> DefinitionsRecord:
    """The record of what pg_dump wrote; `digest` may give none, and then only names are compared."""
    objects: dict[str, dict[str, str | None]] = {}
    for (kind, schema, name), lines in sorted(lines_by_object(read_script(text)).items()):
        if kind in _TOLD | _RELATIONS:
            recorded = _recorded_name(kind, schema, name)
            objects.setdefault(kind, {})[recorded] = digest("\n".join(lines))
    return DefinitionsRecord(
        backup=backup,
        server=_major(_SERVER, text),
        pg_dump=_major(_PG_DUMP, text),
        key_id=key_id,
        objects=objects,
    )


def object_changes(before: DefinitionsRecord, now: DefinitionsRecord) -> list[ObjectChange]:
    """By name. What belongs to a table or view that itself is gone or new is not named again, and neither
    are tables: how they changed is known from their rows' columns.
    """
    told = [change for kind in sorted(_TOLD) for change in _of_kind(kind, before, now)]
    gone, new = (_relations(a) - _relations(b) for a, b in ((before, now), (now, before)))
    owners = {DefinitionStatus.REMOVED: gone, DefinitionStatus.ADDED: new}
    own = [c for c in told if not _belongs_to(c, owners.get(c.status, frozenset()))]
    return sorted(own, key=lambda change: (change.name, change.kind))


def _of_kind(
    kind: str, before: DefinitionsRecord, now: DefinitionsRecord
) -> Iterator[ObjectChange]:
    old, new = before.objects.get(kind, {}), now.objects.get(kind, {})
    for name in old.keys() - new.keys():
        yield _change(DefinitionStatus.REMOVED, kind, name, before, now)
    for name in new.keys() - old.keys():
        yield _change(DefinitionStatus.ADDED, kind, name, before, now)
    if before.spells_like(now):
        for name in old.keys() & new.keys():
            if old[name] and new[name] and old[name] != new[name]:
                yield _change(DefinitionStatus.CHANGED, kind, name, before, now)


def _change(
    status: DefinitionStatus,
    kind: str,
    name: str,
    before: DefinitionsRecord,
    now: DefinitionsRecord,
) -> ObjectChange:
    matters = status is DefinitionStatus.REMOVED or (
        status is DefinitionStatus.CHANGED and kind in _ACCESS
    )
    return ObjectChange(
        status=status,
        kind=kind,
        name=name,
        before=before.backup,
        message=_sentence(status, kind, name, before.backup),
        hint=_advice(status, kind, before.backup, now.backup) if matters else None,
    )


def _sentence(status: DefinitionStatus, kind: str, name: str, before: str) -> str:
    words = {
        "ACL": f"The grants on {name}",
        "DEFAULT ACL": f"The {name}",
        "ROW SECURITY": f"Row level security of {name}",
    }.get(kind, f"The {kind.lower()} {name}")
    is_, has = ("are", "have") if kind in _PLURAL else ("is", "has")
    if status is DefinitionStatus.REMOVED:
        them = "them" if kind in _PLURAL else "it"
        return f"{words} {is_} gone; {before} has {them}"
    if status is DefinitionStatus.ADDED:
        return f"{words} {is_} new since {before}"
    return f"{words} {has} changed since {before}"


def _advice(status: DefinitionStatus, kind: str, before: str, now: str) -> str:
    look = f"`supakeep schema diff {before} {now}` shows the SQL"
    if status is DefinitionStatus.CHANGED:
        return f"{look} of both. If nobody meant this, run the former in the SQL editor."
    open_to_all = (
        "Whoever has a grant may read all rows of the table now. " if kind == "ROW SECURITY" else ""
    )
    return f"{open_to_all}If nobody meant this, {look} that is gone: run it in the SQL editor."


def _recorded_name(kind: str, schema: str, name: str) -> str:
    """Such as `public.credits own rows`, `table public.credits` for grants on it."""
    if kind == "DEFAULT ACL":
        return f"{name.lower()}{'' if schema in ('', '-') else f' in schema {schema}'}"
    if kind == "ACL":
        granted_on, _, of = name.partition(" ")
        return object_name(granted_on, schema, of)
    return object_name("", schema, name).strip()


def _relations(record: DefinitionsRecord) -> frozenset[str]:
    objects: _Objects = record.objects
    return frozenset(name for kind in _RELATIONS for name in objects.get(kind, {}))


def _belongs_to(change: ObjectChange, owners: frozenset[str]) -> bool:
    if change.kind in _RELATIONS:
        return False
    name = change.name.removeprefix("table ").removeprefix("column ")
    ends = (n for n, character in enumerate(f"{name} ") if character in " .")
    return any(name[:end] in owners for end in ends)


def _major(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return int(found[1]) if found else None
