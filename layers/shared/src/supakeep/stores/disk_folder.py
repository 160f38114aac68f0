"""A folder of this machine that files are written into under their own names."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

from supakeep.domain.backup_name import FOLDER
from supakeep.errors import StorageError, UnsafeOperationError
from supakeep.stores.folder import FolderObjectStore


class DiskFolder:
    """Files below `root`; what is not there yet is made, and only its owner may read it."""

    def __init__(self, root: Path) -> None:
        self.name = str(root)
        self._root = root
        self._objects = FolderObjectStore(root)

    def require_no_backups(self) -> None:
        root = self._root.absolute()
        for folder in (root, *root.parents):
            if any((folder / FOLDER).glob("backup_*")):
                raise UnsafeOperationError(
                    f"{folder} holds backups: files in the clear do not belong beside them",
                    operation="download",
                    key=self.name,
                    hint="Name another folder after --to.",
                )

    def sha256(self, path: str) -> str | None:
        try:
            with (self._root / path).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return None

    def put(self, path: str, content: BinaryIO) -> None:
        if not all(map(_may_be_named, path.split("/"))):
            raise StorageError(
                "No file of this machine can have its name",
                operation="download",
                key=path,
                hint="`supakeep restore --files` brings it back into Storage.",
            )
        self._objects.put(path, content)


def _may_be_named(part: str) -> bool:
    """Not what leads to another folder, or to none."""
    return part not in ("", ".", "..") and "\0" not in part
