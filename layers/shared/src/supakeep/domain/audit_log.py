"""The audit log: an entry for each thing that somebody did, or was refused."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime

from supakeep.domain.actor import Actor
from supakeep.domain.chain import ChainedEntry
from supakeep.domain.deletion import DeleteReport
from supakeep.domain.erasure import EraseReport
from supakeep.domain.manifest import Trigger
from supakeep.domain.prune import PruneReport
from supakeep.domain.restore import RestoreReport
from supakeep.domain.run import Run, RunResult
from supakeep.domain.summary import BackupSummary

AUDIT_FOLDER = "audit"

# an entry is small, whatever a restore was about
_MOST_TABLES = 50


class AuditEntry(ChainedEntry):
    """Who did what, when, and how it ended. It holds names and numbers, and never a row's value.

    `at` is when it happened; `recorded_at` is the same, except for refused calls, whose key has the
    beginning of ten minutes: whoever sends more of them cannot add more entries. `target` is the backup, the
    key or the path that it was about, `run` the run that did it.
    """

    folder: ClassVar[str] = AUDIT_FOLDER

    id: str
    at: AwareDatetime
    tool_version: str
    actor: Actor
    action: str
    outcome: str
    target: str | None = None
    run: str | None = None
    detail: str | None = None

    @property
    def ending(self) -> str:
        return self.id


def actor_of(run: Run) -> Actor:
    """Who a run was for, as far as its record says."""
    if run.requested_by is not None:
        return run.requested_by
    if run.after is not None:
        return Actor(name="schedule", via=run.started_by)
    if run.trigger is Trigger.SCHEDULE:
        return Actor(name="schedule", via=run.started_by)
    via = "the command line" if run.trigger is Trigger.CLI else "a direct invocation"
    return Actor(name="unknown", via=via)


def detail_of(result: RunResult | None) -> str | None:
    """What a run did, in names and numbers."""
    match result:
        case RestoreReport():
            return _restored(result)
        case BackupSummary():
            return f"{result.rows:,} rows of {len(result.tables):,} tables"
        case PruneReport():
            removed = {b.name for store in result.stores for b in store.backups if b.removed}
            return f"{len(removed):,} backups removed"
        case DeleteReport():
            return ", ".join(f"{len(s.removed):,} objects from {s.store}" for s in result.stores)
        case EraseReport():
            return _erased(result)
        case _:
            return None


def _restored(report: RestoreReport) -> str:
    names = [table.name for table in report.tables]
    shown = ", ".join(names[:_MOST_TABLES])
    more = f" and {len(names) - _MOST_TABLES:,} more" if len(names) > _MOST_TABLES else ""
    rows = sum(table.written + table.deleted for table in report.tables)
    did = "would change" if report.dry_run else "changed"
    return f"{did} {rows:,} rows in {shown}{more}"


def _erased(report: EraseReport) -> str:
    rows = "1 row" if report.rows == 1 else f"{report.rows:,} rows"
    backups = "1 backup" if report.erased_backups == 1 else f"{report.erased_backups:,} backups"
    return f"{rows} of {report.table} from {backups}"
