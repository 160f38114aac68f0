"""Whether a prune must wait: after a backup that is not complete, nothing is removed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from supakeep.domain.manifest import (
    BackupStatus,
    Manifest,
    TableStatus,
    Trigger,
)
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.retention import is_of_the_future
from supakeep.domain.run import Run, RunStatus

_UNTIL = "Nothing is removed until a complete backup is made"
_WAYS_OUT = (
    "Fix what it names, or accept it (`supakeep backup --accept-shrink TABLE`), or exclude the table "
    "in supakeep.toml, and back up again. Files that are left for the next backup need no more than that."
)


def prune_hold(
    manifests: Sequence[Manifest], last_run: Run | None, now: dt.datetime
) -> Problem | None:
    """Why nothing may be removed; None where the newest backup is complete.

    `manifests` are those of every store, one for each copy: the primary's knows of copies that
    failed. `last_run` is the backup run that ended last.
    """
    policys = [m for m in manifests if m.trigger is not Trigger.PRE_RESTORE]
    newest = max((m.started_at for m in policys if not is_of_the_future(m, now)), default=None)
    if last_run is not None and _failed_after(last_run, newest):
        why = f": {last_run.error.message}" if last_run.error else ""
        hint = last_run.error.hint if last_run.error else None
        return Problem(message=f"{_UNTIL}: the last one failed{why}", hint=hint or "Back up again.")
    partial = (m for m in policys if m.started_at == newest and m.status is BackupStatus.PARTIAL)
    return next((_partial(manifest) for manifest in partial), None)


def _failed_after(run: Run, newest: dt.datetime | None) -> bool:
    return run.status is RunStatus.FAILED and (newest is None or run.ended_at > newest)


def _partial(manifest: Manifest) -> Problem:
    errors = (t.error for t in manifest.tables if t.status is not TableStatus.COMPLETE and t.error)
    of_files = manifest.files.problems if manifest.files else ()
    problems = [*errors, *manifest.shrinkage, *manifest.copy_problems.values(), *of_files]
    why = f": {problems[0].message}" if problems else ""
    return Problem(message=f"{_UNTIL}: {manifest.backup} is partial{why}", hint=_WAYS_OUT)
