"""The ledger as the API answers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from supakeep.api.answers.answer import Answer
from supakeep.domain.ledger import LedgerEntry, StoredDrill
from supakeep.domain.manifest_parts import Problem
from supakeep.usecases.read_chain import entries_in, holders_of
from supakeep.usecases.read_ledger import StoreLedger
from supakeep.usecases.verify_ledger import LedgerReport


class RecordedDrill(Answer):
    """One drill: its `entry`, where it lies and with which checksum, the key that signed it (None where
    it is unsigned), and the stores that hold it.
    """

    key: str
    checksum: str
    key_id: str | None
    stores: tuple[str, ...]
    entry: LedgerEntry

    @classmethod
    def of(cls, stored: StoredDrill, ledgers: Sequence[StoreLedger]) -> Self:
        return cls(
            key=stored.key,
            checksum=stored.checksum,
            key_id=stored.key_id,
            stores=holders_of(stored, ledgers),
            entry=stored.entry,
        )


class Ledger(Answer):
    """GET /api/admin/ledger: the drills, newest first. `problems` are the stores that could not be read,
    and the entries of this page that are not believed. `verification` is None unless it was asked for.
    """

    drills: tuple[RecordedDrill, ...]
    next: str | None
    problems: tuple[Problem, ...]
    verification: LedgerReport | None

    @classmethod
    def page(
        cls, ledgers: Sequence[StoreLedger], limit: int, verification: LedgerReport | None
    ) -> Self:
        """The newest `limit` entries of the ledgers, which hold more of them where there are more."""
        newest = entries_in(ledgers)[::-1]
        shown = newest[:limit]
        return cls(
            drills=tuple(RecordedDrill.of(stored, ledgers) for stored in shown),
            next=shown[-1].key if len(newest) > limit else None,
            problems=tuple(problem for ledger in ledgers for problem in ledger.problems),
            verification=verification,
        )
