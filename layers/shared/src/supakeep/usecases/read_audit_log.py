"""Read the audit log that stores hold."""

from __future__ import annotations

from collections.abc import Sequence

from supakeep.archive.audit_log import AUDIT_LOG
from supakeep.domain.audit_log import AuditEntry
from supakeep.domain.chain import prefix_of
from supakeep.ports import ObjectStore
from supakeep.usecases.read_chain import StoreChain, read_chain

StoreAuditLog = StoreChain[AuditEntry]


def read_audit_logs(
    stores: Sequence[ObjectStore],
    project: str | None,
    *,
    before: str | None = None,
    newest: int | None = None,
) -> list[StoreAuditLog]:
    """What each store holds of `project` (of every project where None), as `read_chain` reads it."""
    prefix = prefix_of(AUDIT_LOG.folder, project)
    return [read_chain(AUDIT_LOG, store, prefix, before=before, newest=newest) for store in stores]
