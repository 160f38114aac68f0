"""What a download of the files of Storage brought."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from supakeep.domain.restored_files import RefusedFile


class DownloadedFiles(BaseModel):
    """The files that were asked for: `written` into the folder `to`, `already_there` with the same bytes, and
    `refused`, of which the first are named. `bytes` are those of the written ones.
    """

    model_config = ConfigDict(frozen=True)

    backup: str
    to: str
    in_backup: int = 0
    written: int = 0
    already_there: int = 0
    refused: int = 0
    bytes: int = 0
    refused_files: tuple[RefusedFile, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether each file that was asked for is in the folder."""
        return not self.refused and self.in_backup > 0
