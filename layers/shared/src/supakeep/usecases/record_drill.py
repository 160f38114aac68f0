"""Record a drill in the ledger of each store that holds the backups."""

from __future__ import annotations

import datetime as dt
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from supakeep import __version__
from supakeep.archive.ledger import encode_entry
from supakeep.archive.signature import Keyring
from supakeep.domain.drill import DrillReport, Unrecorded
from supakeep.domain.ledger import DrilledBackup, LedgerEntry, Link, is_of_the_future, unnamed
from supakeep.domain.manifest import Manifest
from supakeep.domain.run import problem_of
from supakeep.errors import StorageError
from supakeep.ports import Clock, ObjectStore
from supakeep.usecases.read_ledger import entries_in, read_ledger

log = logging.getLogger(__name__)

# an entry that nothing names yet is among the newest, or stands alone since long
_NEWEST = 50


@dataclass(frozen=True)
class RecordDrill:
    """Writes entries that `keyring` signs, with the same bytes in every one of `stores`."""

    stores: Sequence[ObjectStore]
    keyring: Keyring | None
    clock: Clock

    def __call__(
        self, report: DrillReport, manifest: Manifest, *, run: str, started_at: dt.datetime
    ) -> DrillReport:
        """The report with where it is recorded. A store that fails is part of it, and the others go on."""
        now = self.clock.now().replace(microsecond=0)
        entry = LedgerEntry(
            project=manifest.project,
            run=run,
            started_at=started_at,
            recorded_at=now,
            tool_version=__version__,
            backup=DrilledBackup.of(manifest),
            report=report,
            previous=self._before(manifest.project, now),
        )
        content = encode_entry(entry, self.keyring)
        unrecorded = [failed for store in self.stores if (failed := _write(store, entry, content))]
        return report.model_copy(update={"entry": entry.key, "unrecorded": tuple(unrecorded)})

    def _before(self, project: str, now: dt.datetime) -> tuple[Link, ...]:
        """What the new entry names: of all stores, since one of them may lack the newest. One of the
        future would stand before every other one for ever.
        """
        ledgers = [read_ledger(store, project, newest=_NEWEST) for store in self.stores]
        entries = entries_in(ledgers)
        return unnamed(found for found in entries if not is_of_the_future(found.entry, now))


def _write(store: ObjectStore, entry: LedgerEntry, content: bytes) -> Unrecorded | None:
    try:
        store.put(entry.key, io.BytesIO(content))
    except StorageError as exc:
        log.warning("%s is missing in %s", entry.key, store.name, exc_info=True)
        return Unrecorded(store=store.name, problem=problem_of(exc))
    log.info("%s was written to %s", entry.key, store.name)
    return None
