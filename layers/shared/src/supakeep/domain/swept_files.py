"""What a prune did with the stored files of a store."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from supakeep.domain.manifest_parts import Problem


class SweptFiles(BaseModel):
    """`removed` were named by no backup that is kept, in a dry run would be removed; `kept` are all
    others. `waits` says why nothing, or nothing more, was removed now, `problem` what went wrong.
    """

    model_config = ConfigDict(frozen=True)

    removed: int = 0
    removed_bytes: int = 0
    kept: int = 0
    waits: str | None = None
    problem: Problem | None = None
