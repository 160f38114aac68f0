"""Read the ledger that a store holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from supakeep.archive.ledger import LEDGER
from supakeep.domain.ledger import LedgerEntry, ledger_prefix
from supakeep.ports import ObjectStore
from supakeep.usecases.read_chain import StoreChain, read_chain

StoreLedger = StoreChain[LedgerEntry]


def read_ledger(
    store: ObjectStore,
    project: str | None,
    *,
    since: dt.datetime | None = None,
    before: str | None = None,
    newest: int | None = None,
) -> StoreLedger:
    """The drills of `project` (of every project where None) in one store, as `read_chain` reads them."""
    return read_chain(
        LEDGER, store, ledger_prefix(project), since=since, before=before, newest=newest
    )


def read_ledgers(
    stores: Sequence[ObjectStore],
    project: str | None,
    *,
    since: dt.datetime | None = None,
    before: str | None = None,
    newest: int | None = None,
) -> list[StoreLedger]:
    """The same of several stores, in their order."""
    return [
        read_ledger(store, project, since=since, before=before, newest=newest) for store in stores
    ]
