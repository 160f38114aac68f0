from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from supakeep.domain.ledger import DrilledBackup, LedgerEntry
from supakeep.domain.manifest import Manifest, Trigger
from supakeep.domain.proof import Proofs
from supakeep.domain.retention import (
    CopyVerdict,
    RetentionDecision,
    StoredBackup,
    apply_retention,
    judge_copies,
)
from supakeep.domain.retention_policy import RetentionPolicy
from tests.builders.drills import a_drill
from tests.builders.manifests import a_manifest
from tests.fakes.time import NOON

WEEK = RetentionPolicy(keep_within_days=7)


def test_each_copy_is_judged_by_what_its_store_holds() -> None:
    old = StoredBackup(a_manifest(at=NOON - dt.timedelta(days=9)), ("primary", "mirror"))
    new = StoredBackup(a_manifest(at=NOON), ("primary",))

    verdicts = judge_copies(RetentionPolicy(), [new, old], NOON)

    assert verdicts[old.manifest.backup] == (
        CopyVerdict(store="primary", keep=False, reason="older than 7 days", goes_at=NOON),
        CopyVerdict(store="mirror", keep=True, reason="the newest good backup", goes_at=NOON),
    )
    [kept] = verdicts[new.manifest.backup]
    assert (kept.keep, kept.goes_at) == (True, NOON + dt.timedelta(days=7))


def test_where_none_is_good_nothing_goes() -> None:
    partial = StoredBackup(a_manifest(at=NOON - dt.timedelta(days=9), good=False), ("primary",))

    [verdict] = judge_copies(RetentionPolicy(), [partial], NOON)[partial.manifest.backup]

    assert (verdict.keep, verdict.goes_at) == (True, None)


def days_ago(days: float, *, good: bool = True) -> Manifest:
    return a_manifest(at=NOON - dt.timedelta(days=days), good=good)


def removed(decisions: list[RetentionDecision]) -> set[str]:
    return {decision.manifest.backup for decision in decisions if not decision.keep}


# backups at least a second apart, as the names demand
ages = st.lists(st.integers(min_value=-86_400, max_value=40 * 86_400), unique=True, max_size=15)
backups = ages.flatmap(
    lambda seconds: st.tuples(
        *(
            st.builds(
                lambda good, age=age: a_manifest(at=NOON - dt.timedelta(seconds=age), good=good),
                st.booleans(),
            )
            for age in seconds
        )
    )
).map(list)
policies = st.integers(min_value=1, max_value=30).map(
    lambda days: RetentionPolicy(keep_within_days=days)
)


def test_backups_within_the_window_are_kept_and_older_ones_removed() -> None:
    nightly = [days_ago(days) for days in range(9)]

    decisions = apply_retention(WEEK, nightly, NOON)

    assert [decision.reason for decision in decisions] == [
        "the newest good backup",
        *["within 7 days"] * 6,
        *["older than 7 days"] * 2,
    ]
    assert [decision.keep for decision in decisions] == [True] * 7 + [False] * 2


def test_where_backups_have_stopped_the_ones_that_are_left_stay() -> None:
    old = [days_ago(days) for days in (300, 301, 302)]

    assert removed(apply_retention(WEEK, old, NOON)) == set()


def test_the_newest_good_backup_stays_behind_any_number_of_partial_ones() -> None:
    good = days_ago(20)
    partial = [days_ago(days, good=False) for days in range(10)]

    decisions = {d.manifest.backup: d for d in apply_retention(WEEK, [*partial, good], NOON)}

    assert decisions[good.backup].reason == "the newest good backup"


def test_a_backup_from_the_future_does_not_push_todays_out() -> None:
    tomorrow = days_ago(-30)
    today, yesterday = days_ago(0), days_ago(1)

    assert removed(apply_retention(WEEK, [tomorrow, today, yesterday], NOON)) == set()


def test_where_backups_have_stopped_one_from_the_future_does_not_push_the_others_out() -> None:
    old = [days_ago(days) for days in (300, 301, 302)]

    decisions = apply_retention(WEEK, [days_ago(-1), *old], NOON)

    assert removed(decisions) == set()
    assert [decision.reason for decision in decisions][:2] == [
        "within 7 days",
        "the newest good backup",
    ]


def test_a_pre_restore_backup_is_never_the_newest_good_one() -> None:
    undo = days_ago(0).model_copy(update={"trigger": Trigger.PRE_RESTORE})
    good, older = days_ago(20), days_ago(28)

    decisions = {d.manifest.backup: d for d in apply_retention(WEEK, [undo, good, older], NOON)}

    assert decisions[good.backup].reason == "the newest good backup"
    assert decisions[undo.backup].reason == "within 7 days"
    assert removed(list(decisions.values())) == {older.backup}


def test_a_pre_restore_backup_is_removed_with_the_others_of_its_age() -> None:
    undo = days_ago(8).model_copy(update={"trigger": Trigger.PRE_RESTORE})

    assert removed(apply_retention(WEEK, [days_ago(0), undo], NOON)) == {undo.backup}


def test_where_only_pre_restore_backups_exist_none_is_removed() -> None:
    undos = [days_ago(days).model_copy(update={"trigger": Trigger.PRE_RESTORE}) for days in (0, 50)]

    assert removed(apply_retention(WEEK, undos, NOON)) == set()


def test_a_backup_whose_mirror_failed_is_a_good_one() -> None:
    manifest = a_manifest(at=NOON - dt.timedelta(days=20))
    mirrorless = manifest.model_copy(update={"status": "partial"})

    [decision] = apply_retention(WEEK, [mirrorless], NOON)

    assert decision.reason == "the newest good backup"


@given(policies, backups)
def test_the_newest_good_backup_is_never_removed(
    policy: RetentionPolicy, manifests: list[Manifest]
) -> None:
    decisions = apply_retention(policy, manifests, NOON)

    good = [manifest for manifest in manifests if manifest.is_good]
    if good:
        newest = max(good, key=lambda manifest: manifest.started_at)
        assert newest.backup not in removed(decisions)


@given(policies, backups)
def test_nothing_is_removed_where_no_good_backup_exists(
    policy: RetentionPolicy, manifests: list[Manifest]
) -> None:
    bad = [manifest for manifest in manifests if not manifest.is_good]

    assert removed(apply_retention(policy, bad, NOON)) == set()


@given(policies, backups)
def test_every_backup_gets_one_decision_with_a_reason(
    policy: RetentionPolicy, manifests: list[Manifest]
) -> None:
    decisions = apply_retention(policy, manifests, NOON)

    assert sorted(d.manifest.backup for d in decisions) == sorted(m.backup for m in manifests)
    assert all(decision.reason for decision in decisions)


@given(policies, backups, st.randoms())
def test_the_order_of_the_listing_does_not_matter(
    policy: RetentionPolicy, manifests: list[Manifest], random: object
) -> None:
    shuffled = list(manifests)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert removed(apply_retention(policy, shuffled, NOON)) == removed(
        apply_retention(policy, manifests, NOON)
    )


@given(policies, backups)
def test_only_what_is_older_than_the_window_is_removed(
    policy: RetentionPolicy, manifests: list[Manifest]
) -> None:
    decisions = apply_retention(policy, manifests, NOON)

    window = dt.timedelta(days=policy.keep_within_days or 0)
    for decision in decisions:
        if not decision.keep:
            assert NOON - decision.manifest.started_at >= window


@given(policies, backups)
def test_a_second_prune_of_what_is_left_removes_nothing_more(
    policy: RetentionPolicy, manifests: list[Manifest]
) -> None:
    gone = removed(apply_retention(policy, manifests, NOON))
    left = [manifest for manifest in manifests if manifest.backup not in gone]

    assert removed(apply_retention(policy, left, NOON)) == set()


def an_entry(manifest: Manifest, *, restores: bool) -> LedgerEntry:
    return LedgerEntry(
        project=manifest.project,
        run="20261122T120000Z-1a2b3c4d",
        started_at=manifest.started_at,
        recorded_at=manifest.started_at,
        tool_version="1",
        backup=DrilledBackup.of(manifest),
        report=a_drill("pppp-" if restores else "ppf--", backup=manifest.backup),
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Manifest], Proofs]:
    """Backups, of which some were drilled, with more or less success, or perhaps."""
    manifests = draw(backups)
    drills = draw(st.lists(st.sampled_from([None, True, False]), min_size=len(manifests)))
    entries = [
        an_entry(manifest, restores=restores)
        for manifest, restores in zip(manifests, drills, strict=False)
        if restores is not None
    ]
    unread = draw(st.none() | st.integers(min_value=0, max_value=40))
    until = None if unread is None else NOON - dt.timedelta(days=unread)
    return manifests, Proofs.of(entries, unread_before=until, why="a store failed")


def newest(manifests: list[Manifest]) -> set[str]:
    """The name of the newest one that is good and not of the future, if there is one. The clock of the
    machine that made it may have been five minutes fast.
    """
    good = [m for m in manifests if m.is_good and m.started_at <= NOON + dt.timedelta(minutes=5)]
    return {max(good, key=lambda manifest: manifest.started_at).backup} if good else set()


@given(policies, histories())
def test_the_newest_good_and_the_newest_proven_backup_are_never_removed(
    policy: RetentionPolicy, history: tuple[list[Manifest], Proofs]
) -> None:
    manifests, proofs = history

    gone = removed(apply_retention(policy, manifests, NOON, proofs=proofs))

    proven = [manifest for manifest in manifests if proofs.is_proven(manifest)]
    assert not gone & (newest(manifests) | newest(proven))


@given(policies, histories())
def test_what_an_unread_entry_could_have_proven_is_removed_only_below_a_newer_proof(
    policy: RetentionPolicy, history: tuple[list[Manifest], Proofs]
) -> None:
    manifests, proofs = history

    gone = removed(apply_retention(policy, manifests, NOON, proofs=proofs))

    proven = newest([manifest for manifest in manifests if proofs.is_proven(manifest)])
    for manifest in manifests:
        if manifest.backup in gone and manifest.is_good and proofs.may_be_proven(manifest):
            assert proven
            assert manifest.backup < min(proven)


@given(policies, histories())
def test_a_second_prune_with_the_same_proofs_removes_nothing_more(
    policy: RetentionPolicy, history: tuple[list[Manifest], Proofs]
) -> None:
    manifests, proofs = history
    gone = removed(apply_retention(policy, manifests, NOON, proofs=proofs))
    left = [manifest for manifest in manifests if manifest.backup not in gone]

    assert removed(apply_retention(policy, left, NOON, proofs=proofs)) == set()


@given(st.integers(1, 15), st.integers(0, 15), histories())
def test_a_stronger_policy_and_any_proof_never_remove_more(
    days: int, more: int, history: tuple[list[Manifest], Proofs]
) -> None:
    manifests, proofs = history
    weaker = RetentionPolicy(keep_within_days=days)
    stronger = RetentionPolicy(keep_within_days=days + more, keep_last=1 + more)

    gone = removed(apply_retention(weaker, manifests, NOON, proofs=proofs))

    assert removed(apply_retention(stronger, manifests, NOON, proofs=proofs)) <= gone
    assert gone <= removed(apply_retention(weaker, manifests, NOON))
