"""What a restore did with the files of Storage."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class RefusedFile(BaseModel):
    """A file that did not come back, by its path, and why."""

    model_config = ConfigDict(frozen=True)

    path: str
    reason: str


class RestoredFiles(BaseModel):
    """The files that were asked for. `missing` were not in the project, and `changed` were there in
    another version: both were written, or would be in a dry run. `unchanged` were there as they are in
    the backup. `added` are in the project and not in the backup: they stay. `…_paths` are the first of
    them. `buckets` were made, or would be. `refused_files` are the first of those that did not come back.
    """

    model_config = ConfigDict(frozen=True)

    in_backup: int = 0
    missing: int = 0
    changed: int = 0
    unchanged: int = 0
    added: int = 0
    refused: int = 0
    bytes: int = 0
    missing_paths: tuple[str, ...] = ()
    changed_paths: tuple[str, ...] = ()
    added_paths: tuple[str, ...] = ()
    refused_files: tuple[RefusedFile, ...] = ()
    buckets: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether each file that was asked for is in the project."""
        return not self.refused and self.in_backup > 0
