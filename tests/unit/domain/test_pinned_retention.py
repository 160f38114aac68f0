"""Retention under attack: random histories, rules and pins."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from supakeep.domain.manifest import Manifest, Trigger
from supakeep.domain.pin import Pin, joined
from supakeep.domain.retention import StoredBackup, apply_retention, judge_copies
from supakeep.domain.retention_policy import RetentionPolicy
from tests.builders.manifests import a_manifest
from tests.fakes.time import NOON

TODAY = NOON.date()

RULES = st.fixed_dictionaries(
    {
        **{
            f"keep_{name}": st.integers(0, 5)
            for name in ("last", "hourly", "daily", "weekly", "monthly", "yearly")
        },
        "keep_within_days": st.none() | st.integers(1, 60),
    }
).filter(lambda rules: any(rules.values()))
HISTORIES = st.lists(
    st.tuples(st.integers(-48, 900 * 24), st.sampled_from(["good", "partial", "undo"])),
    min_size=1, max_size=30, unique_by=lambda one: one[0],
).map(lambda ages: [_backup(*one) for one in ages])  # fmt: skip
DAYS = st.none() | st.integers(-30, 400).map(lambda days: TODAY + dt.timedelta(days=days))
PINS = st.builds(
    lambda until, problem: Pin(store="primary", until=None if problem else until, problem=problem),
    DAYS,
    st.sampled_from([None, None, None, "it is not JSON"]),
)


def _backup(hours: int, kind: str) -> Manifest:
    manifest = a_manifest(at=NOON - dt.timedelta(hours=hours), good=kind != "partial")
    undo = {"trigger": Trigger.PRE_RESTORE}
    return manifest.model_copy(update=undo) if kind == "undo" else manifest


@st.composite
def attacks(draw: st.DrawFn) -> tuple[list[Manifest], dict[str, Pin], dict[str, Any]]:
    """A history, pins on some of it (and on names that are not in it), and rules."""
    history = draw(HISTORIES)
    names = [*(manifest.backup for manifest in history), "backup_another_2026-01-01"]
    return history, draw(st.dictionaries(st.sampled_from(names), PINS)), draw(RULES)


def removed(history: list[Manifest], pins: dict[str, Pin], rules: dict[str, Any]) -> set[str]:
    policy = RetentionPolicy.model_validate(rules)
    return {d.manifest.backup for d in apply_retention(policy, history, NOON, pins) if not d.keep}


@given(attacks())
def test_no_rule_removes_what_a_pin_holds_and_its_reason_says_so(
    attack: tuple[list[Manifest], dict[str, Pin], dict[str, Any]],
) -> None:
    history, pins, rules = attack

    for decision in apply_retention(RetentionPolicy.model_validate(rules), history, NOON, pins):
        pin = pins.get(decision.manifest.backup)
        if pin is not None and pin.holds(NOON):
            assert decision.keep
            assert str(pin) in decision.reason
            # nothing may go before its pin is over
            if pin.ends_at is None:
                assert decision.until is None
            elif decision.until is not None:
                assert decision.until >= pin.ends_at


@given(attacks())
def test_pins_keep_what_they_hold_and_change_nothing_else(
    attack: tuple[list[Manifest], dict[str, Pin], dict[str, Any]],
) -> None:
    history, pins, rules = attack
    held = {name for name, pin in pins.items() if pin.holds(NOON)}

    assert removed(history, pins, rules) == removed(history, {}, rules) - held


@given(attacks(), st.data())
def test_taking_a_pin_off_removes_at_most_its_own_backup(
    attack: tuple[list[Manifest], dict[str, Pin], dict[str, Any]], data: st.DataObject
) -> None:
    history, pins, rules = attack
    name = data.draw(st.sampled_from([manifest.backup for manifest in history]))
    without = {other: pin for other, pin in pins.items() if other != name}

    more = removed(history, without, rules) - removed(history, pins, rules)

    assert more <= {name} & removed(history, {}, rules)


@given(attacks())
def test_a_second_prune_removes_nothing_new(
    attack: tuple[list[Manifest], dict[str, Pin], dict[str, Any]],
) -> None:
    history, pins, rules = attack
    gone = removed(history, pins, rules)

    assert removed([m for m in history if m.backup not in gone], pins, rules) == set()


@given(attacks(), st.data())
def test_a_policy_that_keeps_more_never_removes_more(
    attack: tuple[list[Manifest], dict[str, Pin], dict[str, Any]], data: st.DataObject
) -> None:
    history, pins, rules = attack
    rule = data.draw(st.sampled_from([rule for rule in rules if rules[rule] is not None]))
    more = {**rules, rule: rules[rule] + data.draw(st.integers(1, 30))}

    assert removed(history, pins, more) <= removed(history, pins, rules)


@given(attacks(), st.randoms())
def test_neither_order_nor_pins_of_other_stores_matter(
    attack: tuple[list[Manifest], dict[str, Pin], dict[str, Any]], random: object
) -> None:
    history, pins, rules = attack
    shuffled = list(history)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    policy = RetentionPolicy.model_validate(rules)

    stored = [
        StoredBackup(m, ("primary", "mirror"), tuple(p for p in [pins.get(m.backup)] if p))
        for m in shuffled
    ]
    verdicts = judge_copies(policy, stored, NOON)

    gone = {"primary": removed(history, pins, rules), "mirror": removed(history, {}, rules)}
    for name, copies in verdicts.items():
        for copy in copies:
            assert copy.keep is (name not in gone[copy.store])


@given(st.lists(PINS, min_size=1, max_size=4), st.integers(-40, 500))
def test_several_pins_of_a_backup_hold_as_long_as_any_of_them(pins: list[Pin], days: int) -> None:
    now = NOON + dt.timedelta(days=days)
    one = joined(pins)

    assert one is not None
    assert one.holds(now) is any(pin.holds(now) for pin in pins)
    assert (one.problem is not None) is any(pin.problem for pin in pins)
