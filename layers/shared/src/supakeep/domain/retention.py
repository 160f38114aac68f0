"""Which backups may go: pure functions that give a reason for each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict

from supakeep.domain.calendar_duration import CalendarDuration
from supakeep.domain.manifest import Manifest
from supakeep.domain.pin import Pin
from supakeep.domain.proof import NO_PROOFS, Proofs
from supakeep.domain.retention_policy import RetentionPolicy
from supakeep.domain.retention_rules import Reason, counted

_NONE_IS_GOOD = "no good backup exists, so none is removed"
_NO_RULE = "no rule keeps it"
_NEWEST_PROVEN = "the newest proven backup"
_MAY_BE_PROVEN = "perhaps the newest proven backup"
# the clocks of two machines differ
_CLOCK_SKEW = dt.timedelta(minutes=5)


@dataclass(frozen=True)
class RetentionDecision:
    """Whether one backup is kept, and why; `until` when at least, where that is known."""

    manifest: Manifest
    keep: bool
    reason: str
    until: dt.datetime | None = None


@dataclass(frozen=True)
class StoredBackup:
    """A backup, the names of the stores that hold it, and its pins there."""

    manifest: Manifest
    stores: tuple[str, ...]
    pins: tuple[Pin, ...] = ()


class CopyVerdict(BaseModel):
    """What retention says of one copy. `goes_at` is the earliest time at which a prune may remove
    it, provided that good backups go on being made; None where that cannot be told: there is no good
    one, or a rule keeps the last ones whenever they were made, or a pin without an end keeps it.
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
    proofs: Proofs = NO_PROOFS,
) -> dict[str, tuple[CopyVerdict, ...]]:
    """By a backup's name the verdict on each of its copies, in the order of its stores. Each store is
    judged by what it holds itself, as a prune does, and by its `own` rules where it has some.
    """
    by_store: dict[str, dict[str, CopyVerdict]] = {}
    for store in dict.fromkeys(store for backup in backups for store in backup.stores):
        held = [backup.manifest for backup in backups if store in backup.stores]
        pins = {b.manifest.backup: pin for b in backups for pin in b.pins if pin.store == store}
        rules = own.get(store, policy)
        by_store[store] = {
            decision.manifest.backup: _verdict(store, decision, now)
            for decision in apply_retention(rules, held, now, pins, proofs)
        }
    return {
        backup.manifest.backup: tuple(
            by_store[store][backup.manifest.backup] for store in backup.stores
        )
        for backup in backups
    }


def _verdict(store: str, decision: RetentionDecision, now: dt.datetime) -> CopyVerdict:
    goes_at = now if not decision.keep else decision.until and max(decision.until, now)
    return CopyVerdict(store=store, keep=decision.keep, reason=decision.reason, goes_at=goes_at)


def apply_retention(
    policy: RetentionPolicy,
    manifests: Sequence[Manifest],
    now: dt.datetime,
    pins: Mapping[str, Pin] = MappingProxyType({}),
    proofs: Proofs = NO_PROOFS,
) -> list[RetentionDecision]:
    """Decides on the backups of one project in one store, newest first.

    The rules are those of restic's `forget`, and a window ends at the newest good backup: where
    backups have stopped, the ones that are left do not go one by one. The newest good backup is
    always kept, and so is the newest good one of which a drill has proven that it restores; where
    `proofs` lack what could name a newer one, each that it could be. The rules that count look at good
    backups only; one of the future is none of them.
    A backup with a pin that holds is kept too, and takes its place in the rules as any other: without
    the pin, what is kept beside it would be the same.
    """
    decisions = _by_rules(policy, manifests, now, proofs)
    return [_pinned(decision, pins.get(decision.manifest.backup), now) for decision in decisions]


def _pinned(decision: RetentionDecision, pin: Pin | None, now: dt.datetime) -> RetentionDecision:
    """The decision with a pin that holds, as one reason more."""
    if pin is None or not pin.holds(now):
        return decision
    if not decision.keep:
        return replace(decision, keep=True, reason=str(pin), until=pin.ends_at)
    until = max(pin.ends_at, decision.until) if pin.ends_at and decision.until else None
    return replace(decision, reason=f"{pin}, {decision.reason}", until=until)


def _by_rules(
    policy: RetentionPolicy, manifests: Sequence[Manifest], now: dt.datetime, proofs: Proofs
) -> list[RetentionDecision]:
    newest_first = sorted(manifests, key=lambda manifest: manifest.started_at, reverse=True)
    good = _good(manifests, now)
    if not good:
        return [RetentionDecision(m, keep=True, reason=_NONE_IS_GOOD) for m in newest_first]
    reasons, proven = counted(policy.numbers, good), newest_proven(good, proofs, now)
    return [
        _decide(
            m,
            policy,
            newest_good=good[0],
            others=[*_of_proof(proven.get(m.backup)), *reasons.get(m.backup, ())],
        )
        for m in newest_first
    ]


def _of_proof(text: str | None) -> Sequence[Reason]:
    return () if text is None else (Reason(text),)


def newest_proven(
    manifests: Sequence[Manifest], proofs: Proofs, now: dt.datetime
) -> dict[str, str]:
    """The newest good backup that is proven, and each newer one that an unread entry could have proven, by
    their names with the reason to keep them.
    """
    reasons: dict[str, str] = {}
    for manifest in _good(manifests, now):
        if proofs.is_proven(manifest):
            return {**reasons, manifest.backup: _NEWEST_PROVEN}
        if proofs.may_be_proven(manifest):
            reasons[manifest.backup] = f"{_MAY_BE_PROVEN}: {proofs.why}"
    return reasons


def knows_newest_proven(manifests: Sequence[Manifest], proofs: Proofs, now: dt.datetime) -> bool:
    """Whether no entry that was not read could change which of a store's backups is the newest proven."""
    return set(newest_proven(manifests, proofs, now).values()) <= {_NEWEST_PROVEN}


def _good(manifests: Sequence[Manifest], now: dt.datetime) -> list[Manifest]:
    """Newest first. One that claims to be of the future says nothing on how old the others are."""
    good = (m for m in manifests if m.is_good and not is_of_the_future(m, now))
    return sorted(good, key=lambda manifest: manifest.started_at, reverse=True)


def is_of_the_future(manifest: Manifest, now: dt.datetime) -> bool:
    """Whether a backup claims a time that has not come: it says nothing about which is the newest."""
    return manifest.started_at > now + _CLOCK_SKEW


def _decide(
    manifest: Manifest,
    policy: RetentionPolicy,
    *,
    newest_good: Manifest,
    others: Sequence[Reason],
) -> RetentionDecision:
    window = policy.window if manifest.is_good else policy.window_of_others
    reasons = [*_by_age(manifest, window, newest_good), *others]
    if not reasons:
        reason = f"older than {policy.window}" if not any(policy.numbers.values()) else _NO_RULE
        return RetentionDecision(manifest, keep=False, reason=reason)
    until = max((reason.until for reason in reasons if reason.until), default=None)
    text = ", ".join(reason.text for reason in reasons)
    return RetentionDecision(manifest, keep=True, reason=text, until=until)


def _by_age(
    manifest: Manifest, window: CalendarDuration | None, newest_good: Manifest
) -> Iterator[Reason]:
    """Whether it is the newest good one or newer, or within the window before that."""
    started_at = manifest.started_at
    until = window.after(started_at) if window else None
    if manifest is newest_good:
        yield Reason("the newest good backup", until)
    elif window and started_at > window.before(newest_good.started_at):
        yield Reason(f"within {window}", until)
    elif started_at > newest_good.started_at:
        yield Reason("newer than the newest good backup")
