"""Which backups may go: pure functions that give a reason for each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict

from supakeep.domain.manifest import Manifest
from supakeep.domain.retention_policy import RetentionPolicy

_NONE_IS_GOOD = "no good backup exists, so none is removed"
# the clocks of two machines differ
_CLOCK_SKEW = dt.timedelta(minutes=5)


@dataclass(frozen=True)
class RetentionDecision:
    """Whether one backup is kept, and why."""

    manifest: Manifest
    keep: bool
    reason: str


@dataclass(frozen=True)
class StoredBackup:
    """A backup and the names of the stores that hold it."""

    manifest: Manifest
    stores: tuple[str, ...]


class CopyVerdict(BaseModel):
    """What retention says of one copy. `goes_at` is the earliest time at which a prune may remove
    it, provided that good backups go on being made; None where there is no good one.
    """

    model_config = ConfigDict(frozen=True)

    store: str
    keep: bool
    reason: str
    goes_at: dt.datetime | None


def judge_copies(
    policy: RetentionPolicy,
    backups: Sequence[StoredBackup],
    now: dt.datetime,
    own: Mapping[str, RetentionPolicy] = MappingProxyType({}),
) -> dict[str, tuple[CopyVerdict, ...]]:
    """By a backup's name the verdict on each of its copies, in the order of its stores. Each store is
    judged by what it holds itself, as a prune does, and by its `own` rules where it has some.
    """
    by_store: dict[str, dict[str, CopyVerdict]] = {}
    for store in dict.fromkeys(store for backup in backups for store in backup.stores):
        held = [backup.manifest for backup in backups if store in backup.stores]
        rules = own.get(store, policy)
        by_store[store] = {
            decision.manifest.backup: _verdict(store, decision, rules, now)
            for decision in apply_retention(rules, held, now)
        }
    return {
        backup.manifest.backup: tuple(
            by_store[store][backup.manifest.backup] for store in backup.stores
        )
        for backup in backups
    }


def _verdict(
    store: str, decision: RetentionDecision, policy: RetentionPolicy, now: dt.datetime
) -> CopyVerdict:
    goes_at: dt.datetime | None = now
    if decision.keep:
        kept_until = decision.manifest.started_at + dt.timedelta(days=policy.keep_within_days)
        goes_at = None if decision.reason == _NONE_IS_GOOD else max(kept_until, now)
    return CopyVerdict(store=store, keep=decision.keep, reason=decision.reason, goes_at=goes_at)


def apply_retention(
    policy: RetentionPolicy, manifests: Sequence[Manifest], now: dt.datetime
) -> list[RetentionDecision]:
    """Decides on the backups of one project in one store, newest first.

    The window ends at the newest good backup, as in restic's `--keep-within`: where backups have
    stopped, the ones that are left do not go one by one. The newest good backup is always kept.
    """
    newest_first = sorted(manifests, key=lambda manifest: manifest.started_at, reverse=True)
    # one that claims to be of the future says nothing on how old the others are
    good = (m for m in newest_first if m.is_good and not is_of_the_future(m, now))
    newest_good = next(good, None)
    if newest_good is None:
        return [RetentionDecision(m, keep=True, reason=_NONE_IS_GOOD) for m in newest_first]
    days = policy.keep_within_days
    window_start = newest_good.started_at - dt.timedelta(days=days)
    return [_decide(manifest, newest_good, window_start, days) for manifest in newest_first]


def is_of_the_future(manifest: Manifest, now: dt.datetime) -> bool:
    """Whether a backup claims a time that has not come: it says nothing about which is the newest."""
    return manifest.started_at > now + _CLOCK_SKEW


def _decide(
    manifest: Manifest, newest_good: Manifest, window_start: dt.datetime, days: int
) -> RetentionDecision:
    if manifest is newest_good:
        return RetentionDecision(manifest, keep=True, reason="the newest good backup")
    if manifest.started_at > window_start:
        return RetentionDecision(manifest, keep=True, reason=f"within {days} days")
    return RetentionDecision(manifest, keep=False, reason=f"older than {days} days")
