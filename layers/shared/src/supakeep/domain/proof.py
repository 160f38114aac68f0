"""What the ledger says of one backup: how far the drills of it came, and whether it is proven."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from types import MappingProxyType
from typing import Self

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from supakeep.domain.coverage import Coverage, is_settled
from supakeep.domain.drill import Rung, RungOutcome
from supakeep.domain.ledger import LedgerEntry
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.portion import complete_tables


class Proof(BaseModel):
    """What the drill of a backup that says most has shown: `reached` is the highest rung that is proven
    with all below it, `failed` are the rungs that failed. `restores` says whether every row came back as
    it was. `entry` is the drill's key in the ledger.

    Of a backup that is too large for one drill, the drills of its tables count together, and `entry` is the
    newest of them: `tables_proven` of its `tables` came back whole, and of `tables_sampled` only a sample.
    """

    model_config = ConfigDict(frozen=True)

    drilled_at: dt.datetime
    run: str
    entry: str
    reached: Rung | None
    proven: tuple[Rung, ...]
    failed: tuple[Rung, ...]
    restores: bool
    rows: NonNegativeInt
    restore_milliseconds: NonNegativeInt | None = None
    tables: NonNegativeInt | None = None
    tables_proven: NonNegativeInt | None = None
    tables_sampled: NonNegativeInt | None = None

    @classmethod
    def of(cls, entry: LedgerEntry) -> Self:
        """By one drill."""
        report = entry.report
        is_of_all = report.portion is None or report.portion.completes
        proven = report.proven if is_of_all else _of_all_tables(report.proven)
        return cls(
            drilled_at=entry.recorded_at,
            run=entry.run,
            entry=entry.key,
            reached=_highest(proven),
            proven=proven,
            failed=tuple(r.rung for r in report.rungs if r.outcome is RungOutcome.FAILED),
            restores=report.restores,
            rows=entry.backup.rows,
            restore_milliseconds=report.restore_milliseconds,
        )

    @classmethod
    def of_tables(cls, manifest: Manifest, newest: LedgerEntry, coverage: Coverage) -> Self:
        """By the drills of its tables. As long as one is not proven whole, no more is said of the backup than
        that its objects lie in the stores.
        """
        drills = list({e.key: e for e in coverage.whole.values()}.values())
        proven = _together(drills) if coverage.is_whole else _of_all_tables(newest.report.proven)
        milliseconds = sum(e.report.restore_milliseconds or 0 for e in drills)
        return cls(
            drilled_at=newest.recorded_at,
            run=newest.run,
            entry=newest.key,
            reached=_highest(proven),
            proven=proven,
            failed=(),
            restores=coverage.is_whole,
            rows=manifest.rows,
            restore_milliseconds=milliseconds if coverage.is_whole else None,
            tables=len(complete_tables(manifest)),
            tables_proven=len(coverage.whole),
            tables_sampled=len(coverage.samples),
        )

    @property
    def badge(self) -> str:
        """Such as `stored · readable · restored · identical`, or with `, failed: asserted`, or with
        `, 3 of 7 tables restored whole, 1 by sample`.
        """
        proven = " · ".join(map(_word, self.proven)) or "nothing proven"
        failed = f", failed: {', '.join(map(_word, self.failed))}" if self.failed else ""
        return f"{proven}{failed}{self._some_tables}"

    @property
    def _some_tables(self) -> str:
        if self.restores or self.tables is None:
            return ""
        sampled = f", {self.tables_sampled} by sample" if self.tables_sampled else ""
        return f", {self.tables_proven} of {self.tables} tables restored whole{sampled}"

    def __str__(self) -> str:
        return f"{self.badge} ({self.drilled_at:%Y-%m-%d %H:%M} UTC)"


@dataclass(frozen=True)
class ProvenRestore:
    """A drill whose rows came back as they were written: when, how many, and in what time."""

    at: dt.datetime
    rows: int
    milliseconds: int | None

    @classmethod
    def of(cls, entry: LedgerEntry) -> Self:
        portion = entry.report.portion
        rows = entry.backup.rows if portion is None else portion.rows
        return cls(entry.recorded_at, rows, entry.report.restore_milliseconds)

    def seconds_for(self, rows: int) -> int | None:
        """How long so many rows would take by the same measure, a second at least; None where the time
        was not measured.
        """
        if self.milliseconds is None:
            return None
        whole = self.milliseconds * max(rows, 1)
        return max(1, -(-whole // (1000 * max(self.rows, 1))))


@dataclass(frozen=True)
class Proofs:
    """What was read of a ledger, by the names of the backups, the newest entry of each first.

    Drills that were recorded before `unread_before` may have proven more: `why` says what kept their
    entries from being read, and is None where they were left out as too old to matter.
    """

    by_backup: Mapping[str, Sequence[LedgerEntry]] = field(default_factory=dict)
    unread_before: dt.datetime | None = None
    why: str | None = None
    problems: Mapping[str, Problem] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        entries: Iterable[LedgerEntry],
        *,
        unread_before: dt.datetime | None = None,
        why: str | None = None,
        problems: Mapping[str, Problem] = MappingProxyType({}),
    ) -> Self:
        by_backup: dict[str, list[LedgerEntry]] = {}
        for entry in sorted(entries, key=lambda entry: entry.recorded_at, reverse=True):
            by_backup.setdefault(entry.backup.name, []).append(entry)
        return cls(by_backup, unread_before, why, problems)

    def proof_of(self, manifest: Manifest) -> Proof | None:
        """What is known of this backup; None where no drill of it was read. A failure counts until later
        drills of the same tables have nothing to object. Of the drills after it the one that came highest
        counts, since one without the key of an encrypted backup takes nothing back.
        """
        entries = self._about(manifest)
        failed = [i for i, e in enumerate(entries) if not e.report.is_whole]
        for i in failed:
            if not is_settled(entries[i], entries[:i], manifest):
                return Proof.of(entries[i])
        since = entries[: failed[0]] if failed else entries
        at_once = [e for e in since if e.report.portion is None]
        # the first of those that came as high is the newest
        best = max(at_once, key=lambda entry: entry.report.height, default=None)
        portions = [e for e in entries if e.report.portion is not None]
        if portions and not (best and best.report.restores):
            return Proof.of_tables(manifest, portions[0], Coverage.of(manifest, entries))
        return None if best is None else Proof.of(best)

    def coverage_of(self, manifest: Manifest) -> Coverage:
        """Which of its tables are proven."""
        return Coverage.of(manifest, self._about(manifest))

    def is_proven(self, manifest: Manifest) -> bool:
        """Whether for every table, the last drill of it that says anything has shown that it restores whole."""
        return self.coverage_of(manifest).is_whole

    def may_be_proven(self, manifest: Manifest) -> bool:
        """Whether an entry that was not read could be about this backup."""
        return self.unread_before is not None and manifest.started_at < self.unread_before

    def _about(self, manifest: Manifest) -> list[LedgerEntry]:
        entries = self.by_backup.get(manifest.backup, ())
        return [e for e in entries if e.report.says_something and e.proves(manifest)]


NO_PROOFS = Proofs()
"""An empty ledger, which was read to its end."""


def _of_all_tables(proven: Sequence[Rung]) -> tuple[Rung, ...]:
    """What a drill of some tables has proven of the whole backup: every object was looked for."""
    return tuple(rung for rung in proven if rung is Rung.STORED)


def _highest(proven: Sequence[Rung]) -> Rung | None:
    """The highest of them with all below it."""
    reached = takewhile(lambda rung: rung in proven, Rung)
    return next(reversed([*reached]), None)


def _together(drills: Sequence[LedgerEntry]) -> tuple[Rung, ...]:
    """The rungs that each of these has proven of its tables; the assertions, where each was asked of a drill
    that had the tables that it needs.
    """
    reports = [entry.report for entry in drills]
    ladder = [rung for rung in Rung if rung is not Rung.ASSERTED]
    proven: list[Rung] = [r for r in ladder if all(r in report.proven for report in reports)]
    held = {a.name for report in reports for a in report.assertions if a.holds}
    not_asked = {name for report in reports if report.portion for name in report.portion.not_asked}
    if held and not_asked <= held:
        proven.append(Rung.ASSERTED)
    return tuple(proven)


def _word(rung: Rung) -> str:
    """A rung as what became of the backup."""
    return "restored" if rung is Rung.RESTORABLE else rung.value
