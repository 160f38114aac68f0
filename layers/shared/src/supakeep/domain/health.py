"""Named checks of a project: what was found, how bad it is, and what to do about it."""

from __future__ import annotations

import datetime as dt
import shlex
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict

from supakeep.domain.api_key import ApiKey
from supakeep.domain.key_ends import WARNED_BEFORE, key_ends
from supakeep.domain.manifest import Manifest, Shrinkage, TableEntry, TableStatus, Trigger
from supakeep.domain.plan import BackupPlan
from supakeep.domain.run import Run
from supakeep.domain.safety import FUTURE_ADVICE, Situation
from supakeep.domain.untrusted import Distrust
from supakeep.errors import SupakeepError

# a backup that claims a time further ahead does not count as the newest (retention.py)
_MOST_SKEW = dt.timedelta(minutes=5)
_SKEW = dt.timedelta(seconds=30)
# a backup that has less than this of what the ones before had deserves a look
_SHRUNK = 0.5
_EARLIER = 7
_SIGNING_ADVICE = (
    "Set SIGNING_KEY (`openssl rand -hex 32` makes one); in AWS it is in a secret of the stack."
)


class CheckStatus(StrEnum):
    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


class Check(BaseModel):
    """One check and its outcome; `advice` says what to do where it is not OK."""

    model_config = ConfigDict(frozen=True)

    name: str
    status: CheckStatus
    message: str
    advice: str | None = None

    @classmethod
    def ok(cls, name: str, message: str) -> Self:
        return cls(name=name, status=CheckStatus.OK, message=message)

    @classmethod
    def warn(cls, name: str, message: str, advice: str | None) -> Self:
        return cls(name=name, status=CheckStatus.WARN, message=message, advice=advice)

    @classmethod
    def fail(cls, name: str, message: str, advice: str | None) -> Self:
        return cls(name=name, status=CheckStatus.FAIL, message=message, advice=advice)

    @classmethod
    def failed(cls, name: str, error: SupakeepError) -> Self:
        return cls.fail(name, error.message, error.hint)


def check_tables(plan: BackupPlan) -> Check:
    """Whether each table of the policy can be backed up."""
    tables = len(plan.selections)
    if plan.refused:
        first = plan.refused[0]
        others = len(plan.refused) - 1
        more = f" ({others:,} more cannot be backed up either)" if others else ""
        return Check.fail("tables", f"{first.error.message}{more}", first.error.hint)
    if not tables:
        return Check.fail("tables", "The policy selects no table.", "Correct supakeep.toml.")
    if plan.uncovered:
        names = ", ".join(plan.uncovered[:3]) + (" …" if len(plan.uncovered) > 3 else "")
        message = f"{tables:,} can be backed up; the policy passes over {names}"
        return Check.warn("tables", message, "Add them to supakeep.toml, or exclude them there.")
    return Check.ok("tables", f"{tables:,} can be backed up")


def check_clock(here: dt.datetime, there: dt.datetime) -> Check:
    """Whether this machine's clock agrees with the server's."""
    skew = abs(here - there)
    seconds = round(skew.total_seconds())
    if skew <= _SKEW:
        return Check.ok("clock", "agrees with the server's")
    message = f"{seconds:,} seconds {'ahead of' if here > there else 'behind'} the server's"
    advice = "Set this machine's clock by NTP: backups are named and kept by it."
    return (Check.fail if skew > _MOST_SKEW else Check.warn)("clock", message, advice)


def check_age(situation: Situation) -> Check:
    """Whether the newest good backup is new enough."""
    newest, limit = situation.newest_good, situation.max_age_hours
    if newest is None and situation.unreachable:
        problem = next(iter(situation.unreachable.values()))
        return Check.fail("newest backup", f"not known: {problem.message}", problem.hint)
    if newest is None:
        return Check.fail("newest backup", "There is no good backup", "Run `supakeep backup`.")
    hours = (situation.now - newest.manifest.started_at).total_seconds() / 3600
    age = f"{hours:,.0f} h" if hours >= 1 else "less than 1 h"
    text = f"{newest.manifest.backup}, {age} old, in {' and '.join(newest.stores)}"
    if hours > limit:
        advice = (
            f"{limit} h are allowed (MAX_BACKUP_AGE_HOURS). Run `supakeep backup`, and see why "
        )
        return Check.fail("newest backup", text, f"{advice}no newer one was made.")
    return Check.ok("newest backup", text)


def check_whole(situation: Situation) -> Check | None:
    """Whether the newest backup, good or not, has every table and has lost no rows; None without any."""
    newest = situation.newest
    if newest is None:
        return None
    failed = [t for t in newest.tables if t.status is not TableStatus.COMPLETE]
    faults = [*(_lacking(newest, table) for table in failed), *map(_shrunk, newest.shrinkage)]
    if not faults:
        return Check.ok("whole", "the newest backup has every table, and has lost no rows")
    message, advice = faults[0]
    more = f" ({len(faults) - 1:,} more: supakeep show {newest.backup})" if faults[1:] else ""
    return Check.warn("whole", f"{newest.backup} is partial: {message}{more}", advice)


def _lacking(newest: Manifest, table: TableEntry) -> tuple[str, str]:
    problem = table.error
    message = problem.message if problem else f"{table.name} is not whole"
    return message, (problem and problem.hint) or f"supakeep show {newest.backup} says more."


def _shrunk(shrinkage: Shrinkage) -> tuple[str, str]:
    """Shorter than the hint of the backup, which also says what the API takes."""
    if shrinkage.table is None:
        return shrinkage.message, shrinkage.hint or "Run `supakeep backup` again."
    table = shlex.quote(shrinkage.table)
    return shrinkage.message, (
        f"If that is right: supakeep backup --accept-shrink {table}. If not: "
        f"supakeep restore {shrinkage.before} --table {table} --dry-run. Until then nothing is pruned."
    )


def check_copies(situation: Situation) -> Check | None:
    """Whether every store that answers holds the newest good backup; None where there is only one."""
    newest = situation.newest_good
    if newest is None or len(situation.stores) == 1:
        return None
    held = {*newest.stores, *situation.unreachable}
    missing = [store for store in situation.stores if store not in held]
    if missing:
        text = f"{newest.manifest.backup} is missing in {' and '.join(missing)}"
        return Check.warn("copies", text, "Run `supakeep copy`.")
    return Check.ok("copies", f"the newest backup is in {' and '.join(newest.stores)}")


def check_size(situation: Situation) -> Check | None:
    """Whether the newest good backup has about as many rows as those before; None without any."""
    newest = situation.newest_good
    if newest is None:
        return None
    earlier = [
        b.manifest
        for b in situation.made
        if b.manifest.is_good and b.manifest.started_at < newest.manifest.started_at
    ][:_EARLIER]
    if not earlier:
        return Check.ok("size", f"{newest.manifest.rows:,} rows; no earlier backup to compare with")
    return _compared_size(newest.manifest, earlier)


def _compared_size(newest: Manifest, earlier: Sequence[Manifest]) -> Check:
    usual = round(statistics.median(manifest.rows for manifest in earlier))
    text = f"{newest.rows:,} rows; the {len(earlier)} before had {usual:,} (median)"
    before = {entry.name: entry.rows for entry in earlier[0].tables}
    emptied = [entry.name for entry in newest.tables if not entry.rows and before.get(entry.name)]
    if newest.rows < _SHRUNK * usual:
        return Check.warn(
            "size", text, f"Look what is gone: supakeep diff {earlier[0].backup} latest"
        )
    if emptied:
        message = f"{', '.join(emptied)} had rows before and has none now"
        return Check.warn("size", message, f"Look: supakeep diff {earlier[0].backup} latest")
    return Check.ok("size", text)


def check_untrusted(situation: Situation) -> Iterator[Check]:
    """The newest backup of each kind that is not believed, under the reason, and how many there are."""
    for state in Distrust:
        names = sorted(k for k, v in situation.untrusted.items() if v.state is state)
        if names:
            problem = situation.untrusted[names[-1]]
            check = Check.fail if state is Distrust.DIFFERING else Check.warn
            message = f"{names[-1]}: {problem.message}{_others(names)}"
            yield check(problem.label, message, problem.hint)


def check_future(situation: Situation) -> Check | None:
    """Whether a backup claims a time that has not come; None where none does."""
    names = [manifest.backup for manifest in situation.of_the_future]
    if not names:
        return None
    return Check.warn("future", f"dated in the future: {names[0]}{_others(names)}", FUTURE_ADVICE)


def _others(names: Sequence[str]) -> str:
    more = len(names) - 1
    return f" ({more:,} more: supakeep list)" if more else ""


def check_signing(key_id: str | None, hashed: Sequence[str] = ()) -> Check:
    """Whether backups are signed; `key_id` names the key. Columns of the tables `hashed` are to be hashed,
    which takes the key, too.
    """
    if key_id is not None:
        return Check.ok("signatures", f"backups are signed with the key {key_id}")
    if hashed:
        message = f"there is no SIGNING_KEY, and the policy hashes columns of {hashed[0]} with it"
        return Check.fail("signatures", message, _SIGNING_ADVICE)
    return Check.warn(
        "signatures",
        "unsigned: who can write to a store can plant rows",
        _SIGNING_ADVICE,
    )


def check_keys(keys: Iterable[ApiKey], now: dt.datetime) -> Check:
    """Whether a key of the API has to be replaced."""
    if ends := key_ends(keys, now):
        return Check.warn("keys", ends.message, ends.advice)
    return Check.ok("keys", f"none of the API's keys ends within {WARNED_BEFORE.days} days")


def check_leftovers(old: Mapping[str, Sequence[str]]) -> Check:
    """Objects without a manifest, older than a day, by the store that holds them."""
    found = {store: names for store, names in old.items() if names}
    if not found:
        return Check.ok("leftovers", "no object without a manifest")
    parts = [f"{len(names):,} in {store}" for store, names in found.items()]
    text = f"unfinished backups, older than a day: {', '.join(parts)}"
    return Check.warn("leftovers", text, "supakeep prune removes them.")


def check_lease(running: Sequence[Run], *, is_shared: bool) -> Check:
    """Whether a run is at work."""
    if running:
        run = running[0]
        text = f"{run.kind} {run.id} is at work"
        return Check.warn("lease", text, "Wait for its end before you start another one.")
    if not is_shared:
        return Check.ok("lease", "not shared with the functions (RUNS_TABLE is not set)")
    return Check.ok("lease", "free")


def check_schedule(situation: Situation) -> Check:
    """Whether something makes backups by itself, as far as it can be seen from here."""
    backup = next((s for s in situation.schedules if s.kind == "backup"), None)
    scheduled = (b.manifest for b in situation.made if b.manifest.trigger is Trigger.SCHEDULE)
    last = next(scheduled, None)
    seen = (
        f"the last scheduled backup is of {last.started_at:%Y-%m-%d %H:%M} UTC"
        if last
        else "no scheduled backup yet"
    )
    limit = dt.timedelta(hours=situation.max_age_hours)
    stopped = last is not None and situation.now - last.started_at > limit
    if backup is None:
        text = f"BACKUP_SCHEDULE is not set; {seen}"
        if stopped:
            return Check.warn("schedule", text, "See whether the schedule of the stack is enabled.")
        return Check.ok("schedule", text)
    if not backup.enabled:
        advice = "Deploy with BackupScheduleState=ENABLED, or let a scheduler call the cron route."
        return Check.warn("schedule", f"off; {seen}", advice)
    next_at = backup.next_after(situation.now, last.started_at if last else None)
    when = f", next at {next_at:%Y-%m-%d %H:%M} UTC" if next_at else ""
    return Check.ok("schedule", f"{backup.words}{when}; {seen}")
