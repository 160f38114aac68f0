"""Verify a ledger: every entry of every store, and what the entries say of each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from supakeep.domain.chain import E
from supakeep.domain.ledger_check import ledger_problems, missing_entries
from supakeep.domain.manifest_parts import Problem
from supakeep.usecases.read_chain import StoreChain, entries_in


class LedgerReport(BaseModel):
    """`entries` counts those that a store holds and that are believed, of every store each once;
    `signed` those of them that are signed. `problems` say what is wrong, and where.
    """

    model_config = ConfigDict(frozen=True)

    entries: NonNegativeInt
    signed: NonNegativeInt
    stores: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def is_whole(self) -> bool:
        return not self.problems


def verify_ledger(ledgers: Sequence[StoreChain[E]], now: dt.datetime) -> LedgerReport:
    """What is wrong with the entries of these stores, of one project or of several."""
    entries = entries_in(ledgers)
    return LedgerReport(
        entries=len(entries),
        signed=sum(entry.key_id is not None for entry in entries),
        stores=tuple(ledger.store for ledger in ledgers if ledger.problem is None),
        problems=tuple(_problems(ledgers, now)),
    )


def _problems(ledgers: Sequence[StoreChain[E]], now: dt.datetime) -> Iterator[Problem]:
    for ledger in ledgers:
        yield from ledger.problems
    held = {ledger.store: ledger.entries for ledger in ledgers if ledger.problem is None}
    yield from ledger_problems(held, now)
    yield from missing_entries(held)
