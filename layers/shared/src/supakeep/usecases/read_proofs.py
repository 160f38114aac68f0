"""Read from the ledgers, with few reads, what drills have proven of a project's backups."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from supakeep.archive.ledger import LEDGER
from supakeep.domain.chain import CLOCK_SKEW, StoredEntry, recorded_at
from supakeep.domain.ledger import LedgerEntry, StoredDrill, ledger_prefix
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.proof import NO_PROOFS, Proofs
from supakeep.domain.run import problem_of
from supakeep.errors import IntegrityError, StorageError
from supakeep.ports import ObjectStore
from supakeep.usecases.in_parallel import AT_ONCE, in_parallel
from supakeep.usecases.read_chain import entry_in

log = logging.getLogger(__name__)

# half a year of nightly drills
_MOST_READS = 12 * AT_ONCE

_Held = Mapping[str, Sequence[ObjectStore]]
"""The keys of entries, newest first, each with the stores that list it."""


def read_proofs(
    stores: Sequence[ObjectStore],
    manifests: Sequence[Manifest],
    project: str | None,
    now: dt.datetime,
    suffices: Callable[[Proofs], bool] = lambda _: False,
) -> Proofs:
    """What the ledgers say of these backups, in their newest entries. Each is read from the first store
    that has it right, and no more of them than it takes until what was read `suffices`.

    A store that fails, and an entry that is not believed, raise nothing: the proofs say what they lack.
    """
    if not manifests:
        return NO_PROOFS
    reading = _Reading()
    since = min(manifest.started_at for manifest in manifests) - CLOCK_SKEW
    held = _listed(stores, project, since, now, reading)
    keys = list(held)
    proofs = reading.proofs(keys[:1])
    for start in range(0, min(len(keys), _MOST_READS), AT_ONCE):
        if suffices(proofs):
            break
        batch, left = keys[start : start + AT_ONCE], keys[start + AT_ONCE :]
        reading.take(batch, in_parallel(lambda key: _entry(held[key], key), batch), now)
        proofs = reading.proofs(left[:1])
    return proofs


@dataclass
class _Reading:
    """What was read, and until when what was not could have been recorded, with the reason."""

    entries: list[LedgerEntry] = field(default_factory=list)
    doubts: list[tuple[dt.datetime, str]] = field(default_factory=list)
    problems: dict[str, Problem] = field(default_factory=dict)

    def take(
        self, keys: Sequence[str], found: Iterator[StoredDrill | str], now: dt.datetime
    ) -> None:
        for key, entry in zip(keys, found, strict=True):
            if isinstance(entry, StoredEntry):
                self.entries.append(entry.entry)
            else:
                self.doubts.append((recorded_at(key) or now, entry))

    def proofs(self, left: Sequence[str]) -> Proofs:
        """`left` begins with the newest entry that nobody has tried to read."""
        older = [(at, "older drills were not read") for key in left if (at := recorded_at(key))]
        until, why = max((*self.doubts, *older), default=(None, None))
        return Proofs.of(self.entries, unread_before=until, why=why, problems=self.problems)


def _listed(
    stores: Sequence[ObjectStore],
    project: str | None,
    since: dt.datetime,
    now: dt.datetime,
    reading: _Reading,
) -> _Held:
    held: dict[str, list[ObjectStore]] = {}
    for store in stores:
        try:
            for stored in store.list(ledger_prefix(project)):
                at = recorded_at(stored.key)
                if at is not None and since <= at <= now + CLOCK_SKEW:
                    held.setdefault(stored.key, []).append(store)
        except StorageError as exc:
            log.warning("The ledger of %s could not be listed", store.name, exc_info=True)
            reading.problems[store.name] = problem_of(exc)
    if len(reading.problems) == len(stores):
        # each drill is recorded in every store: one that answers says what a dead one would, which must
        # not keep the others from removing anything for as long as it is dead
        reading.doubts.append((now, "no ledger could be listed"))
    return {key: held[key] for key in sorted(held, reverse=True)}


def _entry(stores: Sequence[ObjectStore], key: str) -> StoredDrill | str:
    """The entry, or why no store has one that is believed."""
    for store in stores:
        found: StoredDrill | IntegrityError | StorageError | None
        try:
            found = entry_in(LEDGER, store, key)
        except StorageError as exc:
            found = exc
        if isinstance(found, StoredEntry):
            return found
        log.warning("%s of %s is not believed", key, store.name, exc_info=found)
    return f"{key} could not be read, or is not believed"
