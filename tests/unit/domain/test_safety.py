from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from supakeep.domain.manifest import Manifest, Shrinkage, Trigger
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.proof import ProvenRestore
from supakeep.domain.retention import StoredBackup
from supakeep.domain.run import Run, RunKind, RunStatus
from supakeep.domain.safety import Finding, Situation, assess, verdict
from supakeep.domain.schedule import Schedule
from supakeep.domain.untrusted import Distrust, Untrusted
from tests.builders.api_keys import an_api_key
from tests.builders.manifests import a_manifest
from tests.fakes.time import NOON

BOTH = ("primary", "mirror")
DAMAGED = Untrusted.because(Distrust.DAMAGED, "its checksum differs", "Take another")
UNSIGNED = Untrusted.because(Distrust.UNSIGNED, "It has no signature", "See who wrote it")
DIFFERING = Untrusted.because(Distrust.DIFFERING, "They differ", "Look at both")
OUT_OF_REACH = Problem(message="Storage did not answer", hint="Look at its status page")


def stored(hours: float = 9, stores: tuple[str, ...] = BOTH, **fields: Any) -> StoredBackup:
    return StoredBackup(a_manifest(at=NOON - dt.timedelta(hours=hours), **fields), stores)


def of(*backups: StoredBackup, **fields: Any) -> Situation:
    values: dict[str, Any] = {
        "now": NOON,
        "backups": backups,
        "untrusted": {},
        "unreachable": {},
        "runs": (),
        "stores": BOTH,
        "schedules": (Schedule("backup", "cron(0 3 * * ? *)"),),
        "max_age_hours": 26,
    }
    return Situation(**{**values, **fields})


def a_run(hours: float, status: RunStatus, **fields: Any) -> Run:
    return Run(
        id="20261122T110000Z-1a2b3c4d",
        kind=RunKind.BACKUP,
        trigger=Trigger.API,
        status=status,
        requested_at=NOON - dt.timedelta(hours=hours),
        **fields,
    )


FAILED = a_run(1, RunStatus.FAILED, error=Problem(message="It broke", hint="Repair it"))


SHRUNK = Shrinkage(
    message="public.items is empty, and had 5 rows in backup_x",
    hint="Is that right?",
    table="public.items",
)


def worst(situation: Situation) -> tuple[str, str, str | None]:
    found = verdict(assess(situation))
    return found.level, found.sentence, found.advice


def levels(situation: Situation) -> list[str]:
    return [finding.level for finding in assess(situation)]


def test_a_new_backup_in_every_place_is_safe() -> None:
    sentence = (
        "Your data is safe: the newest good backup is 9 hours old and is in primary and mirror."
    )
    assert worst(of(stored())) == ("ok", sentence, None)
    assert set(levels(of(stored()))) == {"ok", "note"}


@pytest.mark.parametrize(
    ("hours", "level", "age"),
    [(0, "ok", "less than a minute"), (0.5, "ok", "30 minutes"), (1, "ok", "1 hour"),
     (26, "ok", "26 hours"), (26.1, "fail", "26 hours"), (72, "fail", "3 days")],
)  # fmt: skip
def test_a_backup_is_too_old_after_the_hours_that_are_allowed(
    hours: float, level: str, age: str
) -> None:
    found, sentence, _ = worst(of(stored(hours)))
    assert found == level
    assert f"{age} old" in sentence


def test_without_any_backup_one_is_to_be_made() -> None:
    assert worst(of()) == ("fail", "There is no backup yet.", "Start a backup now.")
    running = a_run(0, RunStatus.RUNNING)
    assert worst(of(runs=[running]))[2] == "A backup is at work: wait for its end."
    advice = "The last backup failed: It broke. Repair it"
    assert worst(of(runs=[FAILED]))[2] == advice


def test_backups_that_all_lack_a_table_are_not_safe() -> None:
    level, sentence, _ = worst(of(stored(good=False)))
    assert (level, sentence) == (
        "fail",
        "No backup is good: each of them lacks a table, or rows of one.",
    )


def test_where_no_store_answers_the_reason_is_named() -> None:
    situation = of(unreachable=dict.fromkeys(BOTH, OUT_OF_REACH))
    advice = "Storage did not answer. Look at its status page"
    assert worst(situation) == ("fail", "No backup can be read.", advice)


@pytest.mark.parametrize(
    ("fields", "sentence", "advice"),
    [
        (
            {"runs": [FAILED]},
            "The last backup, of 2026-11-22 11:00 UTC, failed: It broke.",
            "Repair it",
        ),
        (
            {"unreachable": {"mirror": OUT_OF_REACH}},
            "The backups in mirror could not be listed: Storage did not answer.",
            "Look at its status page",
        ),
        (
            {"untrusted": {"backup_x": DAMAGED}},
            "backup_x (damaged): its checksum differs.",
            "Take another",
        ),
        (
            {"stores": ("primary",)},
            "Every backup is in one place only.",
            "Set MIRROR_S3_BUCKET (CreateMirrorBucket): backups in the project die with it.",
        ),
        (
            {"schedules": (Schedule("backup", "cron(0 3 * * ? *)", enabled=False),)},
            "The backup schedule is off, and nothing calls /api/cron/backup instead.",
            "Deploy with BackupScheduleState=ENABLED, or let a scheduler call that route.",
        ),
    ],
)
def test_what_could_become_a_danger_is_a_warning(
    fields: dict[str, Any], sentence: str, advice: str
) -> None:
    assert worst(of(stored(), **fields)) == ("warn", sentence, advice)


def test_copies_that_differ_are_a_danger_beside_a_good_backup() -> None:
    found = worst(of(stored(), untrusted={"backup_x": DIFFERING}))

    assert found == ("fail", "backup_x (copies differ): They differ.", "Look at both")


def test_backups_that_are_not_believed_are_one_finding_for_each_reason() -> None:
    untrusted = {"backup_a": UNSIGNED, "backup_b": DAMAGED, "backup_c": UNSIGNED}

    sentences = [finding.sentence for finding in assess(of(stored(), untrusted=untrusted))]

    assert "backup_a (unsigned): It has no signature. So is 1 more (unsigned)." in sentences
    assert "backup_b (damaged): its checksum differs." in sentences


def test_a_backup_of_the_future_is_named_and_hides_nothing_of_the_newest() -> None:
    future = StoredBackup(a_manifest(at=NOON + dt.timedelta(days=30)), BOTH)
    sentences = [finding.sentence for finding in assess(of(future, stored(good=False), stored(30)))]

    assert f"{future.manifest.backup} is dated in the future (2026-12-22 12:00 UTC)." in sentences
    assert "The newest good backup is 30 hours old; 26 hours are allowed." in sentences
    assert any(sentence.startswith("The newest backup lacks ") for sentence in sentences)


def test_a_failure_before_the_newest_good_backup_is_past() -> None:
    assert worst(of(stored(0.5), runs=[FAILED]))[0] == "ok"


def test_a_schedule_elsewhere_takes_the_place_of_the_stacks_own() -> None:
    off = (Schedule("backup", "cron(0 3 * * ? *)", enabled=False),)
    asked = a_run(9, RunStatus.COMPLETE).model_copy(update={"trigger": Trigger.SCHEDULE})
    assert worst(of(stored(), schedules=off, runs=[asked]))[0] == "ok"


def test_a_copy_that_is_missing_is_named_with_its_reason() -> None:
    error = Problem(message="Access denied", hint="Give the role s3:PutObject")
    level, sentence, advice = worst(of(stored(stores=("primary",), copy_problem=error)))
    assert (level, sentence) == ("warn", "The newest good backup has no copy in mirror.")
    assert advice == (
        "Access denied. Give the role s3:PutObject. Run `supakeep copy latest --to mirror`."
    )


def test_a_newer_partial_backup_names_its_table() -> None:
    level, sentence, advice = worst(of(stored(1, good=False), stored(9)))
    assert level == "warn"
    assert sentence == "The newest backup lacks public.user_credits. The export failed."
    assert advice == "Try again"


def test_tables_that_no_backup_holds_are_a_note() -> None:
    uncovered: Manifest = stored().manifest.model_copy(update={"uncovered_tables": tuple("abcde")})
    findings = assess(of(StoredBackup(uncovered, BOTH)))
    assert findings[0].level == "ok"
    assert (
        Finding(
            level="note",
            sentence="5 tables are not backed up: a, b, c and 2 more.",
            advice="Add to supakeep.toml what you could not lose.",
        )
        in findings
    )


def test_a_copy_kept_for_an_undo_makes_nothing_safe() -> None:
    undo = stored(1).manifest.model_copy(update={"trigger": Trigger.PRE_RESTORE})
    assert worst(of(StoredBackup(undo, BOTH)))[0] == "fail"


def test_no_drill_is_claimed() -> None:
    assert any("No drill has proven" in finding.sentence for finding in assess(of(stored())))


def test_the_newest_proof_is_said_with_its_age() -> None:
    findings = assess(
        of(stored(), proven=ProvenRestore(NOON - dt.timedelta(days=3), rows=3, milliseconds=900))
    )

    proof = next(finding for finding in findings if "drill" in finding.sentence)
    assert (proof.level, proof.sentence) == (
        "ok",
        "A drill proved 3 days ago that a backup restores.",
    )


def test_of_two_runs_of_one_second_the_later_one_counts() -> None:
    scheduled = a_run(1 + 0.0001, RunStatus.COMPLETE).model_copy(
        update={"id": "20261122T110000Z-schedule"}
    )

    # as they are listed: by their IDs, the highest first
    level, sentence, _ = worst(of(stored(), runs=(scheduled, FAILED)))

    assert level == "warn"
    assert "It broke" in sentence


def test_a_newest_backup_that_lost_rows_is_named_with_what_to_do() -> None:
    lost = stored(1)
    second = SHRUNK.model_copy(update={"table": "public.orders"})
    manifest = lost.manifest.model_copy(update={"shrinkage": (SHRUNK, second)})
    situation = of(StoredBackup(manifest, BOTH), stored(9))

    level, sentence, advice = worst(situation)
    assert (level, advice) == ("warn", "Is that right?")
    assert sentence == (
        "The newest backup does not count as good: public.items is empty, and had 5 rows in "
        "backup_x. public.orders lost rows, too."
    )
    assert situation.newest_good is not None
    assert situation.newest_good.manifest.backup == stored(9).manifest.backup


def with_keys(**days: float) -> Situation:
    """A situation whose keys end so many days from now."""
    ends = {name: NOON + dt.timedelta(days=number) for name, number in days.items()}
    return of(stored(), keys=[an_api_key(name, expires_at=end) for name, end in ends.items()])


def test_a_key_that_ends_soon_is_to_be_replaced() -> None:
    assert worst(with_keys(ci=14)) == (
        "warn",
        "The key ci ends on 2026-12-06 12:00 UTC.",
        (
            "Make the next one with `supakeep keys add NAME --scope view`, give it to whoever uses ci, and "
            "then `supakeep keys revoke ci`. A key that nobody uses only needs the last step."
        ),
    )
    assert worst(with_keys(ci=14.01))[0] == "ok"


def test_a_key_that_has_ended_is_named_until_it_is_revoked() -> None:
    assert worst(with_keys(ci=-100))[1] == "The key ci ended on 2026-08-14 12:00 UTC."

    revoked = an_api_key("ci", expires_at=NOON - dt.timedelta(days=100)).revoked(NOON)

    assert worst(of(stored(), keys=[revoked]))[0] == "ok"


@pytest.mark.parametrize(
    ("keys", "more"),
    [
        ({"b": 3, "a": 5, "far": 90}, "; 1 more has ended or ends within 14 days."),
        ({"b": 3, "a": 5, "c": 13}, "; 2 more have ended or end within 14 days."),
    ],
)
def test_of_several_keys_the_first_to_end_is_named(keys: dict[str, float], more: str) -> None:
    assert worst(with_keys(**keys))[1] == f"The key b ends on 2026-11-25 12:00 UTC{more}"
