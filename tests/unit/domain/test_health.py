from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from supakeep.domain.health import (
    Check,
    check_age,
    check_clock,
    check_keys,
    check_lease,
    check_leftovers,
    check_schedule,
    check_size,
    check_untrusted,
    check_whole,
)
from supakeep.domain.manifest import Shrinkage, TableStatus, Trigger
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.retention import StoredBackup
from supakeep.domain.run import RunStatus
from supakeep.domain.schedule import Schedule
from supakeep.domain.untrusted import Distrust, Untrusted
from tests.builders.api_keys import an_api_key
from tests.builders.manifests import a_manifest, an_entry
from tests.builders.tables import a_table
from tests.fakes.time import NOON
from tests.unit.domain.test_safety import a_run, of, stored


def with_rows(hours: float, **rows: int) -> StoredBackup:
    tables = tuple(an_entry(a_table(name), rows=count) for name, count in rows.items())
    return StoredBackup(
        a_manifest(at=NOON - dt.timedelta(hours=hours), tables=tables), ("primary",)
    )


@pytest.mark.parametrize(
    ("seconds", "status"), [(0, "OK"), (-29, "OK"), (45, "WARN"), (-45, "WARN"), (301, "FAIL")]
)
def test_a_clock_may_differ_by_half_a_minute(seconds: int, status: str) -> None:
    found = check_clock(NOON + dt.timedelta(seconds=seconds), NOON)

    assert found.status == status
    if status != "OK":
        assert found.message == (
            f"{abs(seconds)} seconds {'ahead of' if seconds > 0 else 'behind'} the server's"
        )


@pytest.mark.parametrize(("hours", "status"), [(9, "OK"), (26, "OK"), (27, "FAIL")])
def test_the_newest_good_backup_may_be_as_old_as_the_settings_say(hours: int, status: str) -> None:
    assert check_age(of(stored(hours))).status == status


def test_a_backup_of_this_hour_is_not_called_zero_hours_old() -> None:
    assert "less than 1 h old" in check_age(of(with_rows(0.2, orders=1))).message


def test_without_a_good_backup_the_check_fails() -> None:
    assert check_age(of()) == Check.fail(
        "newest backup", "There is no good backup", "Run `supakeep backup`."
    )
    assert check_size(of()) is None


@pytest.mark.parametrize(("rows", "status"), [(100, "OK"), (51, "OK"), (49, "WARN")])
def test_a_backup_of_less_than_half_the_rows_is_a_warning(rows: int, status: str) -> None:
    earlier = [with_rows(hours, orders=count) for hours, count in ((20, 90), (30, 100), (40, 400))]

    found = check_size(of(with_rows(1, orders=rows), *earlier))

    assert found is not None
    assert found.status == status
    assert found.message == f"{rows} rows; the 3 before had 100 (median)"


def test_a_table_that_lost_all_its_rows_is_a_warning() -> None:
    before = with_rows(20, orders=1000, coupons=5)

    found = check_size(of(with_rows(1, orders=1000, coupons=0), before))

    assert found == Check.warn(
        "size",
        "public.coupons had rows before and has none now",
        f"Look: supakeep diff {before.manifest.backup} latest",
    )


def test_leftovers_are_named_by_their_store() -> None:
    assert check_leftovers({"primary": []}).status == "OK"
    assert check_leftovers({"primary": [], "mirror": ["a", "b"]}) == Check.warn(
        "leftovers",
        "unfinished backups, older than a day: 2 in mirror",
        "supakeep prune removes them.",
    )


def test_a_run_at_work_is_a_warning() -> None:
    run = a_run(0, RunStatus.RUNNING)

    assert check_lease([run], is_shared=True).message == f"backup {run.id} is at work"
    assert check_lease([], is_shared=True).message == "free"
    assert check_lease([], is_shared=False).status == "OK"


@pytest.mark.parametrize(
    ("hours", "status"),
    [(9, "OK"), (50, "WARN")],
)
def test_a_schedule_that_stopped_shows_in_its_backups(hours: int, status: str) -> None:
    manifest = a_manifest(at=NOON - dt.timedelta(hours=hours))
    manifest = manifest.model_copy(update={"trigger": Trigger.SCHEDULE})

    found = check_schedule(of(StoredBackup(manifest, ("primary",)), schedules=()))

    assert found.status == status
    assert "BACKUP_SCHEDULE is not set" in found.message


def test_the_stacks_own_schedule_is_put_in_words() -> None:
    on, off = (Schedule("backup", "cron(0 3 * * ? *)", enabled) for enabled in (True, False))

    assert check_schedule(of(schedules=[on])) == Check.ok(
        "schedule",
        "every day at 03:00 UTC, next at 2026-11-23 03:00 UTC; no scheduled backup yet",
    )
    assert check_schedule(of(schedules=[off])).status == "WARN"


def test_a_newest_backup_that_lost_rows_is_named_with_both_ways_out() -> None:
    shrunk = a_shrinkage("public.odd name", 3)
    partial = shrunken(stored(1), shrunk, a_shrinkage("public.items", 0))

    found = check_whole(of(partial, stored(20)))

    assert found == Check.warn(
        "whole",
        f"{partial.manifest.backup} is partial: public.odd name has 3 rows "
        f"(1 more: supakeep show {partial.manifest.backup})",
        "If that is right: supakeep backup --accept-shrink 'public.odd name'. If not: "
        "supakeep restore backup_before --table 'public.odd name' --dry-run. "
        "Until then nothing is pruned.",
    )


def test_a_newest_backup_that_lacks_a_table_is_named_with_the_fix() -> None:
    error = Problem(message="Permission denied for table public.items", hint="grant select")
    entry = an_entry(a_table("items")).model_copy(
        update={"status": TableStatus.FAILED, "error": error}
    )
    partial = stored(1, tables=(entry,))

    found = check_whole(of(partial, stored(20)))

    assert found == Check.warn(
        "whole", f"{partial.manifest.backup} is partial: {error.message}", "grant select"
    )


def test_a_newest_backup_that_is_whole_is_good_whatever_the_one_before_lacked() -> None:
    before = shrunken(stored(20), a_shrinkage("public.items", 0))
    undo = shrunken(stored(0), a_shrinkage("public.items", 0))
    undo = dataclasses.replace(
        undo, manifest=undo.manifest.model_copy(update={"trigger": Trigger.PRE_RESTORE})
    )

    found = check_whole(of(undo, stored(1), before))

    assert found is not None
    assert found.status == "OK"
    assert check_whole(of()) is None


def test_however_many_backups_are_damaged_they_are_one_line() -> None:
    damaged = {
        f"backup_x_2026-11-{day}": Untrusted.because(state, "cut short", "Look.")
        for day in range(10, 20)
        for state in [Distrust.DIFFERING if day == 12 else Distrust.DAMAGED]
    }

    found = list(check_untrusted(of(untrusted=damaged)))

    assert found == [
        Check.warn("damaged", "backup_x_2026-11-19: cut short (8 more: supakeep list)", "Look."),
        Check.fail("copies differ", "backup_x_2026-11-12: cut short", "Look."),
    ]


def shrunken(backup: StoredBackup, *shrinkage: Shrinkage) -> StoredBackup:
    manifest = backup.manifest.model_copy(update={"shrinkage": shrinkage})
    return StoredBackup(manifest, backup.stores)


def a_shrinkage(table: str, rows: int) -> Shrinkage:
    return Shrinkage(
        message=f"{table} has {rows} rows", hint="Is that right?", table=table, rows=rows,
        rows_before=1000, before="backup_before",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("days", "status", "message"),
    [
        (30, "OK", "none of the API's keys ends within 14 days"),
        (5, "WARN", "The key ci ends on 2026-11-27 12:00 UTC"),
        (-1, "WARN", "The key ci ended on 2026-11-21 12:00 UTC"),
    ],
)
def test_a_key_near_its_end_is_a_warning(days: int, status: str, message: str) -> None:
    found = check_keys([an_api_key(expires_at=NOON + dt.timedelta(days=days))], NOON)

    assert (found.status, found.message) == (status, message)
    assert ("keys revoke ci" in (found.advice or "")) is (status == "WARN")
