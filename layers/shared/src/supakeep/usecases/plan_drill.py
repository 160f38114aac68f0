"""Judge, before a drill begins, how much of a backup it can restore: by room, and by the time that is left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from supakeep.domain.coverage import Coverage, drilled_in
from supakeep.domain.drill import DrillReport, Rung
from supakeep.domain.ledger import LedgerEntry
from supakeep.domain.manifest import Manifest, TableEntry
from supakeep.domain.measures import size_text
from supakeep.domain.portion import DrilledTable, Portion, complete_tables
from supakeep.ports import Clock, ObjectStore, ScratchServer, TimeLimit
from supakeep.usecases.read_chain import entries_in
from supakeep.usecases.read_ledger import read_ledger
from supakeep.usecases.read_proofs import read_proofs

# what a row takes beside its text: its header, its entry in the index, and its key once more while it is
# restored
_BYTES_BESIDE_A_ROW = 130
# slower than any machine that was measured
_CAUTIOUS_BYTES_PER_SECOND = 1_000_000
# in less, what a drill takes whatever the rows hides its pace
_LEAST_MEASURED_BYTES = 10_000_000
# the pace is another backup's, and at the end assertions are asked
_USABLE_TIME_PERCENT = 70
_NEWEST = 50
_MOST_HALVINGS = 4
_LEAST_ROOM_BYTES = 4_000_000


@dataclass(frozen=True)
class PlanDrill:
    """Plans drills of the backups of `project` on `server`, by what the ledgers of `stores` say."""

    stores: Sequence[ObjectStore]
    project: str
    server: ScratchServer
    clock: Clock
    time: TimeLimit

    def __call__(self, manifest: Manifest) -> Portion | None:
        """None where all of the backup fits. Otherwise the smallest of the tables that no drill of it has
        proven yet, as many as fit; where not one does, a sample of the one that was sampled least; where all
        are proven, those whose proof is the oldest.

        Where drills of it broke off since the last one of all of it, this one takes less: a half after one, a
        quarter after two.
        """
        entries = complete_tables(manifest)
        ledgers = [read_ledger(store, self.project, newest=_NEWEST) for store in self.stores]
        newest_first = [stored.entry for stored in reversed(entries_in(ledgers))]
        limits = self._limits(newest_first)
        limits = limits.lowered(entries, _broken_off(e for e in newest_first if e.proves(manifest)))
        if limits.hold(entries) or not entries:
            return None
        proofs = read_proofs(self.stores, [manifest], self.project, self.clock.now())
        return _portion(manifest, entries, proofs.coverage_of(manifest), limits)

    def _limits(self, newest_first: Sequence[LedgerEntry]) -> _Limits:
        seconds, room = self.time.seconds_left(), self.server.room()
        if room is not None and room < _LEAST_ROOM_BYTES:
            # the server itself says what to do where it cannot even start
            room = None
        if seconds is None:
            return _Limits(room, None)
        usable = round(seconds * 1000) * _USABLE_TIME_PERCENT
        return _Limits(room, usable * self._bytes_per_second(newest_first) // 100_000)

    def _bytes_per_second(self, newest_first: Sequence[LedgerEntry]) -> int:
        """The pace of the newest drill that is large enough to tell, into the same kind of place."""
        reports = (e.report for e in newest_first if e.report.into == self.server.place)
        paces = (pace for report in reports if (pace := _pace(report)))
        return next(paces, _CAUTIOUS_BYTES_PER_SECOND)


@dataclass(frozen=True)
class _Limits:
    """`room` in bytes of the server, `bytes` of the document; None where nothing limits them. They were
    halved so many times because drills of the same backup broke off.
    """

    room: int | None
    bytes: int | None
    halvings: int = 0

    def lowered(self, entries: Sequence[TableEntry], halvings: int) -> _Limits:
        """As many times by a half, from all of these tables at most."""
        if not halvings:
            return self
        room, size = sum(map(_room, entries)), sum(entry.bytes for entry in entries)
        most = room if self.room is None else min(room, self.room)
        most_bytes = size if self.bytes is None else min(size, self.bytes)
        return _Limits(most >> halvings, most_bytes >> halvings, halvings)

    def hold(self, entries: Sequence[TableEntry]) -> bool:
        return not self.exceeded(sum(map(_room, entries)), sum(entry.bytes for entry in entries))

    def exceeded(self, room: int, size: int) -> bool:
        too_large = self.room is not None and room > self.room
        return too_large or (self.bytes is not None and size > self.bytes)

    def sample_of(self, entry: TableEntry) -> int:
        """How many bytes of the table's rows fit."""
        of_room = entry.bytes if self.room is None else entry.bytes * self.room // _room(entry)
        return max(1, min(of_room, entry.bytes if self.bytes is None else self.bytes))

    def why(self, entries: Sequence[TableEntry]) -> str:
        """Why a drill of all of these is too much."""
        if self.halvings:
            drills = "a drill" if self.halvings == 1 else "drills"
            return f"{drills} of this backup broke off, so this one takes less"
        room = sum(map(_room, entries))
        if self.room is not None and room > self.room:
            there = size_text(max(0, self.room))
            return f"all tables need about {size_text(room)} of room, and there is room for {there}"
        size = sum(entry.bytes for entry in entries)
        return f"all tables are {size_text(size)}, and the time suffices for {size_text(self.bytes or 0)}"


def _portion(
    manifest: Manifest, entries: Sequence[TableEntry], known: Coverage, limits: _Limits
) -> Portion:
    unproven = [entry for entry in entries if entry.name not in known.whole]
    oldest_first = sorted(entries, key=lambda e: _proven_at(known, e.name))
    candidates = sorted(unproven, key=lambda entry: entry.bytes) or oldest_first
    chosen = [DrilledTable.whole(entry) for entry in _fitting(candidates, limits)]
    if not chosen:
        # one that was never sampled comes first
        sampled = min(candidates, key=lambda entry: _proven_at(known, entry.name))
        chosen = [_sample(manifest, sampled, known, limits)]
    whole = {table.name for table in chosen if not table.is_sample} | set(known.whole)
    by_sample = ({table.name for table in chosen} | set(known.samples)) - whole
    return Portion(
        tables=tuple(chosen),
        why=limits.why(entries),
        of_tables=len(entries),
        left=tuple(e.name for e in entries if e.name not in whole | by_sample),
        sampled=tuple(e.name for e in entries if e.name in by_sample),
    )


def _fitting(candidates: Sequence[TableEntry], limits: _Limits) -> Iterator[TableEntry]:
    room = size = 0
    for entry in candidates:
        if limits.exceeded(room + _room(entry), size + entry.bytes):
            continue
        room, size = room + _room(entry), size + entry.bytes
        yield entry


def _sample(
    manifest: Manifest, entry: TableEntry, known: Coverage, limits: _Limits
) -> DrilledTable:
    """From the volume on after those of the last sample, so that later drills come to all of them."""
    volumes = sorted({part.volume for part in entry.parts})
    earlier = known.samples.get(entry.name)
    before = drilled_in(earlier, entry.name) if earlier else None
    first = before.volumes[-1] + 1 if before and before.volumes else volumes[0]
    return DrilledTable(
        name=entry.name,
        rows=0,
        of_rows=entry.rows,
        bytes=limits.sample_of(entry),
        volumes=(min(first, len(manifest.volumes)),),
    )


def _room(entry: TableEntry) -> int:
    return entry.bytes + entry.rows * _BYTES_BESIDE_A_ROW


def _proven_at(known: Coverage, name: str) -> str:
    """The key of the entry that proves the table: it begins with the time. Empty where there is none."""
    entry = known.whole.get(name) or known.samples.get(name)
    return entry.key if entry else ""


def _broken_off(newest_first: Iterable[LedgerEntry]) -> int:
    """How many drills broke off since one of all tables came to its end, as far as that matters: a server
    that was lost several times is no reason to drill ever less.
    """
    reports = (entry.report for entry in newest_first)
    since = takewhile(lambda report: report.portion or not report.came_back, reports)
    return min(_MOST_HALVINGS, sum(report.broken_off is not None for report in since))


def _pace(report: DrillReport) -> int | None:
    """Bytes of the document in a second, from reading to comparing; None where too little was measured."""
    if not report.came_back:
        return None
    size = report.rung(Rung.RESTORABLE).figures.get("bytes", 0)
    rungs = (Rung.READABLE, Rung.RESTORABLE, Rung.IDENTICAL)
    milliseconds = sum(report.rung(rung).milliseconds for rung in rungs)
    return size * 1000 // max(milliseconds, 1) if size >= _LEAST_MEASURED_BYTES else None
