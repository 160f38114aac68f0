"""How the ledger's entries are stored (docs/format.md)."""

from __future__ import annotations

from supakeep.archive.chain import Chain
from supakeep.archive.sealed_kind import SealedKind
from supakeep.domain.ledger import LedgerEntry

LEDGER_ENTRY = SealedKind(
    "ledger entry",
    "supakeep-ledger/1",
    "`supakeep ledger verify` says what is wrong with each entry, and which store has it right.",
)
# where a drill is recorded is known only afterwards
LEDGER = Chain(LEDGER_ENTRY, LedgerEntry, {"report": {"entry", "unrecorded"}})
