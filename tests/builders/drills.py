"""Drills that were never made, and their records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from supakeep.archive.signature import Keyring
from supakeep.domain.drill import BrokenOff, DrillReport, Rung, RungOutcome, RungReport
from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.portion import DrilledTable, Portion
from supakeep.domain.run import new_run_id
from supakeep.ports import ObjectStore
from supakeep.usecases.record_drill import RecordDrill
from tests.builders.manifests import a_manifest
from tests.fakes.time import NOON, FixedClock

NO_ROOM = BrokenOff(rung=Rung.RESTORABLE, problem=Problem(message="No room is left", hint="More"))
_OUTCOMES = {"p": RungOutcome.PROVEN, "f": RungOutcome.FAILED, "-": RungOutcome.NOT_TRIED}


def a_drill(
    outcomes: str = "pppp-",
    *,
    backup: str = "backup_jewelshot_2026-11-22",
    milliseconds: int = 900,
    portion: Portion | None = None,
) -> DrillReport:
    """The report of a drill with a letter for each rung: proven, failed, not tried."""
    rungs = [
        RungReport(
            rung=rung,
            outcome=_OUTCOMES[letter],
            figures={"rows": 3},
            milliseconds=milliseconds,
            problems=() if letter == "p" else (Problem(message=f"{rung} {_OUTCOMES[letter]}"),),
        )
        for rung, letter in zip(Rung, outcomes, strict=True)
    ]
    restored = milliseconds if outcomes[2] == "p" else None
    return DrillReport(
        backup=backup,
        into="embedded",
        portion=portion,
        rungs=tuple(rungs),
        restore_milliseconds=restored,
    )


def a_portion(*left: str, sampled: bool = False, table: str = "public.orders") -> Portion:
    """The portion of a drill of one table, whole or `sampled`, after which the tables `left` are to be
    drilled still.
    """
    drilled = DrilledTable(
        name=table, rows=3, of_rows=9 if sampled else 3, bytes=90, volumes=(2, 3) if sampled else ()
    )
    return Portion(
        tables=(drilled,),
        why="there is little room",
        of_tables=len(left) + 2,
        left=left,
        sampled=(table,) if sampled else (),
    )


def record_drill(
    *stores: ObjectStore,
    outcomes: str = "pppp-",
    manifest: Manifest | None = None,
    at: dt.datetime = NOON,
    keyring: Keyring | None = None,
    suffix: str = "1a2b3c4d",
    portion: Portion | None = None,
    broken_off: BrokenOff | None = None,
) -> DrillReport:
    """Records a drill of the backup in these stores, as it ended at `at` after ten seconds."""
    manifest = manifest or a_manifest()
    record = RecordDrill(stores, keyring, FixedClock(at))
    started_at = at - dt.timedelta(seconds=10)
    report = a_drill(outcomes, backup=manifest.backup, portion=portion)
    report = report.model_copy(update={"broken_off": broken_off})
    return record(report, manifest, run=new_run_id(started_at, suffix), started_at=started_at)


def ledger_keys(store: ObjectStore) -> Sequence[str]:
    return [stored.key for stored in store.list("ledger/")]
