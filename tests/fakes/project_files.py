"""The files of a project in memory, which can go wrong on purpose."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from supakeep.domain.project_file import Bucket, ProjectFile
from supakeep.errors import BucketNotFoundError, FileChangedError, ObjectNotFoundError, StorageError
from tests.fakes.object_store import pieces_of


@dataclass(frozen=True)
class _Held:
    file: ProjectFile
    content: bytes


class InMemoryProjectFiles:
    """`before_read` is called with each file before it is read, `reads` are their paths."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], _Held] = {}
        self.bucket_ids: set[str] = set()
        self.reads: list[str] = []
        self.before_read: Callable[[ProjectFile], None] = lambda _: None
        self.listing_error: StorageError | None = None
        self.write_errors: dict[str, StorageError] = {}
        self.made: list[Bucket] = []
        self._version = 0

    def put(self, bucket: str, name: str, content: bytes) -> None:
        """Uploads a file; one that is there gets another version."""
        self._version += 1
        before = self.held.get((bucket, name))
        file = ProjectFile(
            bucket=bucket,
            name=name,
            id=before.file.id if before else f"id-{self._version}",
            size_bytes=len(content),
            updated_at=f"2026-11-22T03:00:{self._version % 60:02d}Z",
            etag=hashlib.md5(content, usedforsecurity=False).hexdigest(),
            content_type="image/png",
            cache_control="max-age=3600",
        )
        self.bucket_ids.add(bucket)
        self.held[bucket, name] = _Held(file, content)

    def amend(self, bucket: str, name: str, **fields: Any) -> None:
        """Has another tell of the file."""
        held = self.held[bucket, name]
        self.held[bucket, name] = replace(held, file=replace(held.file, **fields))

    def delete(self, bucket: str, name: str) -> None:
        del self.held[bucket, name]

    def buckets(self) -> list[Bucket]:
        if self.listing_error is not None:
            raise self.listing_error
        attributes = {"public": False, "file_size_limit": None, "allowed_mime_types": ["image/*"]}
        return [Bucket(name, attributes) for name in sorted(self.bucket_ids)]

    def files(self, bucket: str, prefix: str = "") -> Iterator[ProjectFile]:
        for held in sorted(self.held):
            if held[0] == bucket and held[1].startswith(prefix):
                yield self.held[held].file

    @contextmanager
    def read(self, file: ProjectFile) -> Iterator[Iterator[bytes]]:
        self.reads.append(file.path)
        self.before_read(file)
        held = self.held.get((file.bucket, file.name))
        if held is None:
            raise ObjectNotFoundError(f"{file.path} is gone", operation="read file")
        if held.file != replace(file, metadata=held.file.metadata):
            raise FileChangedError(f"{file.path} was replaced", operation="read file")
        yield pieces_of(held.content, 5)

    def make_bucket(self, bucket: Bucket) -> None:
        self.bucket_ids.add(bucket.id)
        self.made.append(bucket)

    def write(self, file: ProjectFile, content: BinaryIO) -> None:
        if (error := self.write_errors.get(file.path)) is not None:
            raise error
        if file.bucket not in self.bucket_ids:
            raise BucketNotFoundError("Storage bucket not found", operation="write file")
        self.put(file.bucket, file.name, content.read())
        written = self.held[file.bucket, file.name]
        kept: dict[str, Any] = {
            "content_type": file.content_type,
            "cache_control": file.cache_control,
            "metadata": file.metadata,
        }
        self.held[file.bucket, file.name] = replace(written, file=replace(written.file, **kept))
