"""Carry a run out, and leave in the audit log who it was for and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from supakeep.domain.notice import notice_of
from supakeep.domain.run import Run, RunKind, RunStatus
from supakeep.errors import SupakeepError
from supakeep.ports import Notifier, ObjectStore, Silence
from supakeep.usecases.audit_log import AuditLog
from supakeep.usecases.project import Project

SILENCE = Silence()

# what it began to do is known even if it never came to an end
_CHANGES_DATA = (RunKind.RESTORE, RunKind.DELETE, RunKind.ERASE)
# a delivery of another status is about a run that is at work or done
_BEGINS = (RunStatus.QUEUED, RunStatus.FAILED)


def audited(
    project: Project,
    run: Run,
    work: Callable[[], Run],
    stores: Sequence[ObjectStore] | None = None,
    notifier: Notifier = SILENCE,
) -> Run:
    """What `work` returns. The log is that of `stores`, without them of all of the project's. An event
    that is delivered again, and for which nothing is done, leaves no entry. Whoever is to hear of the run
    hears of it first: a store that hangs must not silence an alarm.
    """
    audit_log, known = (
        AuditLog.of(project, None if stores is None else lambda: stores),
        _recorded(project, run),
    )
    if known.status in _BEGINS:
        notifier.started(known)
    if run.kind in _CHANGES_DATA and known.status is RunStatus.QUEUED:
        audit_log.started(known)
    try:
        ended = work()
    except BaseException as exc:
        failed = _recorded(project, run)
        if failed.status is not RunStatus.FAILED:
            failed = failed.failed(project.clock.now(), exc)
        notifier.ended(notice_of(failed, project.ref))
        audit_log.ended(failed)
        raise
    if ended != known:
        notifier.ended(notice_of(ended, project.ref))
        audit_log.ended(ended)
    return ended


def _recorded(project: Project, run: Run) -> Run:
    """The run's record: it knows who asked for the run."""
    try:
        return project.run_store.get(run.id) or run
    except SupakeepError:
        return run
