"""The buckets and files of a project's Storage, as its own API tells of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_VERSION_DIGITS = 32


@dataclass(frozen=True)
class Bucket:
    """`attributes` are what a bucket is created with: `public`, `file_size_limit`,
    `allowed_mime_types`.
    """

    id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ProjectFile:
    """One file as it is listed. `size_bytes` and `version` are None where the server does not tell them,
    and `updated_at` is the server's own text. `metadata` is what the application has given it: the text of
    a JSON object.
    """

    bucket: str
    name: str
    id: str
    size_bytes: int | None
    updated_at: str
    etag: str | None = None
    version: str | None = None
    content_type: str | None = None
    cache_control: str | None = None
    metadata: str | None = None

    @property
    def path(self) -> str:
        """For people: the bucket and the name."""
        return f"{self.bucket}/{self.name}"

    def is_larger_than(self, size_bytes: int) -> bool:
        """False where the size is not known."""
        return self.size_bytes is not None and self.size_bytes > size_bytes

    def version_key(self, recipients: Sequence[str]) -> str:
        """The same for the same bytes of the same file, encrypted to the same keys. Whoever does not
        know the file's random ID can neither guess it nor learn anything of the content from it.
        """
        known = [self.bucket, self.id, self.version, self.etag, self.size_bytes, self.updated_at]
        text = json.dumps([*known, sorted(recipients)])
        return hashlib.sha256(text.encode()).hexdigest()[:_VERSION_DIGITS]
