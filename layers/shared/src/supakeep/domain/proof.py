"""What the ledger says of one backup: how far the drills of it came, and whether it is proven."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from supakeep.domain.drill import Rung, RungOutcome
from supakeep.domain.ledger import LedgerEntry
from supakeep.domain.manifest import Manifest, Problem


class Proof(BaseModel):
    """What the drill of a backup that says most has shown: `reached` is the highest rung that is proven
    with all below it, `failed` are the rungs that failed. `restores` says whether every row came back as
    it was. `entry` is the drill's key in the ledger.
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

    @classmethod
    def of(cls, entry: LedgerEntry) -> Self:
        report = entry.report
        return cls(
            drilled_at=entry.recorded_at,
            run=entry.run,
            entry=entry.key,
            reached=report.reached,
            proven=report.proven,
            failed=tuple(r.rung for r in report.rungs if r.outcome is RungOutcome.FAILED),
            restores=report.restores,
            rows=entry.backup.rows,
            restore_milliseconds=report.restore_milliseconds,
        )

    @property
    def badge(self) -> str:
        """Such as `stored · readable · restored · identical`, or with `, failed: asserted`."""
        proven = " · ".join(map(_word, self.proven)) or "nothing proven"
        failed = f", failed: {', '.join(map(_word, self.failed))}" if self.failed else ""
        return f"{proven}{failed}"

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
        return cls(entry.recorded_at, entry.backup.rows, entry.report.restore_milliseconds)

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
        """What is known of this backup; None where no drill of it was read. A failure counts until a
        later drill has nothing to object. Of the drills after it the one that came highest counts, since
        one without the key of an encrypted backup takes nothing back.
        """
        entries = self._about(manifest)
        failure = next((i for i, e in enumerate(entries) if not e.report.is_whole), None)
        since = entries if failure is None else entries[:failure]
        # the first of those that came as high is the newest
        best = max(since, key=lambda entry: entry.report.height, default=None)
        if best is None and entries:
            best = entries[0]
        return None if best is None else Proof.of(best)

    def is_proven(self, manifest: Manifest) -> bool:
        """Whether the last drill of this backup that says anything on it has shown that it restores."""
        said = (e for e in self._about(manifest) if e.report.restores or not e.report.is_whole)
        last = next(said, None)
        return last is not None and last.report.restores

    def may_be_proven(self, manifest: Manifest) -> bool:
        """Whether an entry that was not read could be about this backup."""
        return self.unread_before is not None and manifest.started_at < self.unread_before

    def _about(self, manifest: Manifest) -> list[LedgerEntry]:
        return [e for e in self.by_backup.get(manifest.backup, ()) if e.proves(manifest)]


NO_PROOFS = Proofs()
"""An empty ledger, which was read to its end."""


def _word(rung: Rung) -> str:
    """A rung as what became of the backup."""
    return "restored" if rung is Rung.RESTORABLE else rung.value
