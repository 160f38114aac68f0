"""Record a drill in the ledger of each store that holds the backups."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from supakeep import __version__
from supakeep.archive.ledger import LEDGER
from supakeep.archive.signature import Keyring
from supakeep.domain.drill import DrillReport
from supakeep.domain.ledger import DrilledBackup, LedgerEntry
from supakeep.domain.manifest import Manifest
from supakeep.ports import Clock, ObjectStore
from supakeep.usecases.append_entry import AppendEntry


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
        append = AppendEntry(LEDGER, self.stores, self.keyring)
        now = self.clock.now().replace(microsecond=0)
        entry = LedgerEntry(
            project=manifest.project,
            run=run,
            started_at=started_at,
            recorded_at=now,
            tool_version=__version__,
            backup=DrilledBackup.of(manifest),
            report=report,
            previous=append.previous(manifest.project, now),
        )
        unrecorded = append(entry)
        return report.model_copy(update={"entry": entry.key, "unrecorded": unrecorded})
