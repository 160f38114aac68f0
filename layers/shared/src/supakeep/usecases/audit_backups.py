"""Gather what an auditor asks of a period: every backup, its copies, its proof, and the gaps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from supakeep.domain.audit import Audit, AuditedBackup
from supakeep.domain.chain import is_of_the_future
from supakeep.domain.ledger import StoredDrill
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.summary import BackupSummary
from supakeep.ports import ObjectStore
from supakeep.usecases.list_backups import BackupListing, FoundBackup, list_backups
from supakeep.usecases.read_chain import entries_in
from supakeep.usecases.read_ledger import read_ledgers
from supakeep.usecases.verify_ledger import verify_ledger


@dataclass(frozen=True)
class _Period:
    since: dt.date
    now: dt.datetime

    def has(self, moment: dt.datetime) -> bool:
        return self.since <= moment.astimezone(dt.UTC).date()


def audit_backups(
    stores: Sequence[ObjectStore], project: str | None, *, since: dt.date, now: dt.datetime
) -> Audit:
    """The backups and drills of `project` (of every project where None) from the day `since` until now,
    as these stores hold them. The whole ledger is verified, whatever the period.

    Raises StorageError where no store answers.
    """
    listing = list_backups(stores, project)
    ledgers = read_ledgers(stores, project)
    entries = entries_in(ledgers)
    period = _Period(since, now)
    names = [store.name for store in stores if store.name not in listing.problems]
    # one that claims a time to come is among the problems, and proves nothing
    believed = [stored for stored in entries if not is_of_the_future(stored.entry, now)]
    backups = [_audited(found, names, believed) for found in listing.backups]
    drills = [drill for drill in entries if period.has(drill.entry.recorded_at)]
    return Audit(
        projects=tuple(sorted(_projects(listing, entries, project))),
        since=since,
        made_at=now,
        stores=tuple(names),
        backups=tuple(backup for backup in backups if period.has(backup.started_at)),
        drills=tuple(drills[::-1]),
        ledger_entries=len(entries),
        newest_entry=entries[-1] if entries else None,
        problems=(*_unread(listing), *verify_ledger(ledgers, now).problems),
    )


def _projects(
    listing: BackupListing, entries: Sequence[StoredDrill], project: str | None
) -> set[str]:
    if project is not None:
        return {project}
    named = {found.name.project_ref for found in listing.backups}
    return named | {stored.entry.project for stored in entries}


def _unread(listing: BackupListing) -> Iterator[Problem]:
    for store, problem in listing.problems.items():
        yield Problem(message=f"{store} could not be listed: {problem.message}", hint=problem.hint)


def _audited(
    found: FoundBackup, stores: Sequence[str], entries: Sequence[StoredDrill]
) -> AuditedBackup:
    lacking = tuple(name for name in stores if name not in found.stores)
    if found.manifest is not None:
        return _of_manifest(found, found.manifest, lacking, entries)
    state = found.problem.label if found.problem else "damaged"
    problems = (found.problem.message,) if found.problem else ()
    return AuditedBackup(
        name=found.name.text,
        project=found.name.project_ref,
        started_at=_day_of(found),
        state=state,
        is_good=False,
        stores=found.stores,
        lacking=lacking,
        problems=problems,
    )


def _day_of(found: FoundBackup) -> dt.datetime:
    """What its name says, since nothing else can be believed."""
    day = dt.date.fromisoformat(found.name.moment[:10])
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def _of_manifest(
    found: FoundBackup,
    manifest: Manifest,
    lacking: tuple[str, ...],
    entries: Sequence[StoredDrill],
) -> AuditedBackup:
    summary = BackupSummary.of(manifest, found.stores)
    return AuditedBackup(
        name=manifest.backup,
        project=manifest.project,
        started_at=manifest.started_at,
        state=str(manifest.status),
        trigger=str(manifest.trigger),
        is_good=manifest.is_good,
        rows=manifest.rows,
        size_bytes=manifest.size_bytes,
        is_encrypted=bool(manifest.recipients),
        signed_by=manifest.signature.key_id if manifest.signature else None,
        stores=found.stores,
        lacking=lacking,
        problems=(*(p.message for p in summary.problems), *found.damaged_copies),
        drills=tuple(stored for stored in entries if stored.entry.proves(manifest)),
    )
