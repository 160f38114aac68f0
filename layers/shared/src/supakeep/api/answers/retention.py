"""What a prune would do under other rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Self

from supakeep.api.answers.answer import Answer
from supakeep.domain.manifest import BackupStatus, Manifest, Trigger
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.proof import NO_PROOFS, Proofs
from supakeep.domain.retention import CopyVerdict, StoredBackup, judge_copies
from supakeep.domain.retention_policy import RetentionPolicy


class SimulatedBackup(Answer):
    """One backup under the rules that were asked about. It is kept while one copy is;
    `deployed_keeps` is the verdict under the deployed rules.
    """

    name: str
    started_at: dt.datetime
    status: BackupStatus
    trigger: Trigger
    size_bytes: int
    keep: bool
    deployed_keeps: bool
    copies: tuple[CopyVerdict, ...]


class RetentionSimulation(Answer):
    """GET /api/admin/retention: what a prune would do now under these rules. `removed` counts copies,
    and `removed_bytes` their documents. A copy with rules of its own keeps them. Nothing is removed.
    """

    rules: RetentionPolicy
    words: str
    kept: int
    removed: int
    removed_bytes: int
    backups: list[SimulatedBackup]

    @classmethod
    def of(
        cls,
        rules: RetentionPolicy,
        deployed: BackupPolicy,
        backups: Sequence[StoredBackup],
        now: dt.datetime,
        proofs: Proofs = NO_PROOFS,
    ) -> Self:
        own = deployed.own_retention
        verdicts = judge_copies(rules, backups, now, own, proofs)
        today = judge_copies(deployed.retention, backups, now, own, proofs)
        simulated = [
            _simulated(b.manifest, verdicts[b.manifest.backup], today[b.manifest.backup])
            for b in backups
        ]
        gone = [(b, copy) for b in simulated for copy in b.copies if not copy.keep]
        return cls(
            rules=rules,
            words=str(rules),
            kept=sum(len(b.copies) for b in simulated) - len(gone),
            removed=len(gone),
            removed_bytes=sum(b.size_bytes for b, _ in gone),
            backups=simulated,
        )


def _simulated(
    manifest: Manifest, copies: tuple[CopyVerdict, ...], today: tuple[CopyVerdict, ...]
) -> SimulatedBackup:
    return SimulatedBackup(
        name=manifest.backup,
        started_at=manifest.started_at,
        status=manifest.status,
        trigger=manifest.trigger,
        size_bytes=manifest.size_bytes,
        keep=any(copy.keep for copy in copies),
        deployed_keeps=any(copy.keep for copy in today),
        copies=copies,
    )
