"""What a backup says of the ones before it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from supakeep.domain.definitions_record import DefinitionsRecord, ObjectChange, object_changes
from supakeep.domain.manifest import Definitions, Manifest, SchemaChange, Shrinkage
from supakeep.domain.schema_changes import SchemaNow, schema_changes
from supakeep.domain.shrinkage import FormerTable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SinceBefore:
    """The tables that lost too many rows, sentences about what was accepted of these, and how tables
    changed. `before` is the newest backup that was compared with.
    """

    shrinkage: Sequence[Shrinkage] = ()
    accepted: Sequence[str] = ()
    changes: Sequence[SchemaChange] = ()
    before: Manifest | None = None


def changes_since(former: Mapping[str, FormerTable], now: SchemaNow) -> list[SchemaChange]:
    """How the tables changed since the backups before, which is logged too."""
    changes = schema_changes(former, now)
    for change in changes:
        log.log(logging.INFO if change.is_addition else logging.WARNING, "%s", change.message)
    return changes


def former_record(before: Manifest | None) -> DefinitionsRecord | None:
    """What the backup before knows of its definitions."""
    return before.definitions.record if before and before.definitions else None


def definition_changes_since(
    before: Manifest | None, now: Definitions | None
) -> list[ObjectChange]:
    """How the definitions changed since the backup before, which is logged too. Nothing is claimed where
    one of both has no record of them.
    """
    former = former_record(before)
    if former is None or now is None or now.stored is None or now.record is None:
        return []
    changes = object_changes(former, now.record)
    for change in changes:
        log.log(logging.WARNING if change.hint else logging.INFO, "%s", change.message)
    return changes


def newest_of(former: Mapping[str, FormerTable]) -> Manifest | None:
    """The newest backup of those that the tables are from."""
    manifests = [table.manifest for table in former.values()]
    return max(manifests, key=lambda manifest: manifest.started_at, default=None)
