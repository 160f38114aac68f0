"""Which files of Supabase Storage a backup takes: the `[backup.files]` entry."""

from __future__ import annotations

import fnmatch
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200)]

_DEFAULT_MOST_BYTES = 256 * 1024 * 1024


class FilesPolicy(BaseModel):
    """Patterns of buckets (`*`, `?`, `[…]`); without any, no file is taken. A larger file than
    `max_bytes` is left out by name. `copies` are the names of the copies that hold the files: all of
    those outside the project where it is empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    buckets: list[Pattern] = []
    exclude: list[Pattern] = []
    max_bytes: int = Field(default=_DEFAULT_MOST_BYTES, gt=0)
    copies: list[Pattern] = []

    @field_validator("buckets", "exclude", "copies", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @property
    def takes_any(self) -> bool:
        return bool(self.buckets)

    @property
    def too_large(self) -> str:
        """Why a file is left out that is larger than `max_bytes`."""
        return f"larger than {self.max_bytes:,} bytes"

    def takes(self, bucket: str) -> bool:
        """Whether files of this bucket are backed up."""
        return _matches(bucket, self.buckets) and not _matches(bucket, self.exclude)

    def __str__(self) -> str:
        without = f", without {', '.join(self.exclude)}" if self.exclude else ""
        return f"{', '.join(self.buckets)}{without}"


def _matches(bucket: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(bucket, pattern) for pattern in patterns)
