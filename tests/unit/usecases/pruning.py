"""What the tests of pruning share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from supakeep.domain.backup_name import BackupName
from supakeep.domain.prune import PrunedBackup, PruneReport
from supakeep.domain.retention_policy import RetentionPolicy
from supakeep.domain.run import Run
from supakeep.ports import Deadline, ObjectStore
from supakeep.usecases.list_backups import list_backups
from supakeep.usecases.prune_backups import PruneBackups
from tests.builders.manifests import PROJECT
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON, FixedClock, NeverExpires


def days_ago(days: float) -> dt.datetime:
    return NOON - dt.timedelta(days=days)


def prune(
    *stores: ObjectStore,
    dry_run: bool = False,
    deadline: Deadline | None = None,
    in_use: frozenset[str] = frozenset(),
    at: dt.datetime = NOON,
    last_run: Run | None = None,
    beside: Sequence[ObjectStore] = (),
    is_backing_up: Callable[[], bool] = lambda: False,
) -> PruneReport:
    use_case = PruneBackups(
        policy=RetentionPolicy(keep_within_days=7),
        project=PROJECT,
        clock=FixedClock(at),
        deadline=deadline or NeverExpires(),
        in_use=in_use,
        last_run=last_run,
        is_backing_up=is_backing_up,
    )
    return use_case(stores, dry_run=dry_run, beside=beside)


def decisions(report: PruneReport, store: int = 0) -> dict[str, PrunedBackup]:
    return {backup.name: backup for backup in report.stores[store].backups}


def names_in(store: InMemoryObjectStore) -> list[BackupName]:
    return [found.name for found in list_backups([store]).backups]


def name(days: float) -> BackupName:
    return BackupName.timed(PROJECT, days_ago(days))
