"""The ledger: an entry for each drill."""

from __future__ import annotations

import hashlib
from typing import ClassVar

from pydantic import AwareDatetime, NonNegativeInt

from supakeep.domain.chain import ChainedEntry, Recorded, StoredEntry, prefix_of
from supakeep.domain.drill import DrillReport
from supakeep.domain.manifest import Manifest

LEDGER_FOLDER = "ledger"


class DrilledBackup(Recorded):
    """The backup that was drilled, so that another one of its name is told apart from it:
    `volumes_sha256` is the SHA-256 of the SHA-256 of each of its volumes, a line each.
    """

    name: str
    started_at: AwareDatetime
    rows: NonNegativeInt
    size_bytes: NonNegativeInt
    volumes_sha256: str

    @classmethod
    def of(cls, manifest: Manifest) -> DrilledBackup:
        return cls(
            name=manifest.backup,
            started_at=manifest.started_at,
            rows=manifest.rows,
            size_bytes=manifest.size_bytes,
            volumes_sha256=volumes_sha256(manifest),
        )


class LedgerEntry(ChainedEntry):
    """One drill of a project's backup: the run that was it, when, and what it has proven."""

    folder: ClassVar[str] = LEDGER_FOLDER

    run: str
    started_at: AwareDatetime
    tool_version: str
    backup: DrilledBackup
    report: DrillReport

    @property
    def ending(self) -> str:
        return self.run

    @property
    def duration_seconds(self) -> float:
        return (self.recorded_at - self.started_at).total_seconds()

    def proves(self, manifest: Manifest) -> bool:
        """Whether it is about this backup, and not another one of its name."""
        return self.backup.volumes_sha256 == volumes_sha256(manifest)


StoredDrill = StoredEntry[LedgerEntry]


def ledger_prefix(project: str | None) -> str:
    """What the keys of a project's entries begin with; those of every project for None."""
    return prefix_of(LEDGER_FOLDER, project)


def volumes_sha256(manifest: Manifest) -> str:
    """See DrilledBackup."""
    lines = "".join(f"{volume.sha256}\n" for volume in manifest.volumes)
    return hashlib.sha256(lines.encode()).hexdigest()
