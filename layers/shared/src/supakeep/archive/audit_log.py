"""How the entries of the audit log are stored (docs/format.md)."""

from __future__ import annotations

from supakeep.archive.chain import Chain
from supakeep.archive.sealed_kind import SealedKind
from supakeep.domain.audit_log import AuditEntry

AUDIT_ENTRY = SealedKind(
    "audit entry",
    "supakeep-audit/1",
    "`supakeep audit verify` says what is wrong with each entry, and which store has it right.",
)
AUDIT_LOG = Chain(AUDIT_ENTRY, AuditEntry)
