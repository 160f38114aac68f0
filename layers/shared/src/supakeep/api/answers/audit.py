"""The audit log as the API answers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from supakeep.api.answers.answer import Answer
from supakeep.domain.audit_log import AuditEntry
from supakeep.domain.manifest_parts import Problem
from supakeep.usecases.read_audit_log import StoreAuditLog
from supakeep.usecases.read_chain import entries_in, holders_of
from supakeep.usecases.verify_ledger import LedgerReport


class AuditedAct(Answer):
    """What somebody did: its `entry`, where it lies and with which checksum, the key that signed it (None
    where it is unsigned), and the stores that hold it.
    """

    key: str
    checksum: str
    key_id: str | None
    stores: tuple[str, ...]
    entry: AuditEntry


class AuditLogPage(Answer):
    """GET /api/admin/audit: what was done, newest first. `problems` are the stores that could not be read,
    and the entries of this page that are not believed. `verification` is None unless it was asked for.
    """

    acts: tuple[AuditedAct, ...]
    next: str | None
    problems: tuple[Problem, ...]
    verification: LedgerReport | None

    @classmethod
    def of(
        cls, logs: Sequence[StoreAuditLog], limit: int, verification: LedgerReport | None
    ) -> Self:
        """The newest `limit` entries of the logs, which hold more of them where there are more."""
        newest = entries_in(logs)[::-1]
        shown = newest[:limit]
        return cls(
            acts=tuple(
                AuditedAct(
                    key=stored.key,
                    checksum=stored.checksum,
                    key_id=stored.key_id,
                    stores=holders_of(stored, logs),
                    entry=stored.entry,
                )
                for stored in shown
            ),
            next=shown[-1].key if len(newest) > limit else None,
            problems=tuple(problem for one in logs for problem in one.problems),
            verification=verification,
        )
