"""The files that a project keeps in its Storage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from supakeep.domain.project_file import Bucket, ProjectFile


class ProjectFiles(Protocol):
    """The project's buckets but the one that holds its backups.

    Raises StorageError as ObjectStore does. It is used from several threads at a time.
    """

    def buckets(self) -> list[Bucket]:
        """All of them, by their names. Raises BucketNotFoundError where not even that of the backups is
        shown: Storage hides buckets from a wrong key.
        """
        ...

    def files(self, bucket: str, prefix: str = "") -> Iterator[ProjectFile]:
        """Every file of the bucket whose name begins with `prefix`, in pages; no page is kept."""
        ...

    def read(self, file: ProjectFile) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes of the file in pieces. Raises ObjectNotFoundError where it is gone, and
        FileChangedError where the server gives another version than the one that was listed; cut
        short, it raises StorageUnavailableError.
        """
        ...

    def make_bucket(self, bucket: Bucket) -> None:
        """Makes the bucket with its attributes, unless there is one of this name."""
        ...

    def write(self, file: ProjectFile, content: BinaryIO) -> None:
        """Stores `content`, a file that stands at its first byte, under the bucket and the name of `file`,
        with its type, cache control and metadata; what is there is replaced.
        """
        ...


class FileFolder(Protocol):
    """A folder for files under their own names. `name` is for people."""

    name: str

    def require_no_backups(self) -> None:
        """Raises UnsafeOperationError where the folder holds backups, or lies in one that does."""
        ...

    def sha256(self, path: str) -> str | None:
        """That of the file under this path, None where there is none that can be read."""
        ...

    def put(self, path: str, content: BinaryIO) -> None:
        """Writes `content`, a file that stands at its first byte, under the path, all or nothing, and only
        below the folder. Raises ObjectAlreadyExistsError where something is there, which stays, and
        StorageError for a path that no file can have.
        """
        ...
