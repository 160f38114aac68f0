"""When a drill has last shown that a backup restores."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from supakeep.domain.chain import is_of_the_future
from supakeep.domain.proof import ProvenRestore
from supakeep.ports import ObjectStore
from supakeep.usecases.read_chain import entries_in
from supakeep.usecases.read_ledger import read_ledger

# most often one of the newest entries is a proof; after so many failures in a row the last success is
# as good as none
_NEWEST = (3, 50)


def newest_proof(
    stores: Sequence[ObjectStore], project: str, now: dt.datetime
) -> ProvenRestore | None:
    """The newest drill, in whichever store's ledger, whose rows came back as they were
    written. None where there is none that can be believed, or no store answers.
    """
    for newest in _NEWEST:
        ledgers = [read_ledger(store, project, newest=newest) for store in stores]
        entries = (found.entry for found in entries_in(ledgers))
        proofs = (e for e in entries if e.report.restores and not is_of_the_future(e, now))
        if newest_entry := max(proofs, key=lambda entry: entry.recorded_at, default=None):
            return ProvenRestore.of(newest_entry)
    return None
