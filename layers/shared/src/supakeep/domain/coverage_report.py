"""What of a project a backup holds, as the command line and the API tell it."""

from __future__ import annotations

import datetime as dt
from typing import Self

from supakeep.domain.manifest import Manifest
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.project_coverage import ProjectCoverage


class CoverageReport(ProjectCoverage):
    """GET /api/admin/coverage: what of the project the backup holds, by kind, and each thing that it does not
    hold, with the reason (`gaps`; `unlisted` are so many more). `appeared` are those that the backup `before`
    did not lack: `supakeep coverage` ends with 3 then.
    """

    backup: str
    started_at: dt.datetime

    @property
    def is_fine(self) -> bool:
        """Whether everything was looked at, and nothing new is left out."""
        return not self.appeared and self.problem is None

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        coverage = manifest.coverage or ProjectCoverage(problem=_UNKNOWN)
        return cls(**dict(coverage), backup=manifest.backup, started_at=manifest.started_at)


_UNKNOWN = Problem(
    message="This backup does not know what else the project is made of",
    hint="An earlier version made it, or it is a copy for an undo. Back up again.",
)
