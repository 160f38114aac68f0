"""Drill a backup, and record it however the drill ends."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from supakeep.archive.reader import BackupReader
from supakeep.domain.drill import DrillReport
from supakeep.errors import SupakeepError
from supakeep.usecases.drill_backup import DrillBackup
from supakeep.usecases.record_drill import RecordDrill

log = logging.getLogger(__name__)


def recorded_drill(
    drill: DrillBackup,
    record: RecordDrill,
    reader: BackupReader,
    run: str,
    broken_off: Callable[[DrillReport], None] = lambda _: None,
) -> DrillReport:
    """The report of a drill that the run of this ID makes, with where it is recorded. One that breaks off is
    recorded too: `broken_off` gets its report, and the error that ended it is raised.
    """
    started_at = record.clock.now()

    def recorded(report: DrillReport) -> DrillReport:
        return record(report, reader.manifest, run=run, started_at=started_at)

    def trace(report: DrillReport) -> None:
        try:
            broken_off(recorded(report))
        except (SupakeepError, OSError):
            # why the drill broke off matters more
            log.exception("The drill of %s broke off, and could not be recorded", report.backup)

    return recorded(replace(drill, broken_off=trace)(reader))
