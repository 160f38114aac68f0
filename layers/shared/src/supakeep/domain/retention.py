"""Which backups may go: a pure function that gives a reason for each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from supakeep.domain.manifest import Manifest
from supakeep.domain.policy import RetentionPolicy

# the clocks of two machines differ
_CLOCK_SKEW = dt.timedelta(minutes=5)


@dataclass(frozen=True)
class RetentionDecision:
    """Whether one backup is kept, and why."""

    manifest: Manifest
    keep: bool
    reason: str


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
        return [
            RetentionDecision(m, keep=True, reason="no good backup exists, so none is removed")
            for m in newest_first
        ]
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
