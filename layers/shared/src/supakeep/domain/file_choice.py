"""Which files of a backup are meant."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

from supakeep.errors import InvalidRequestError

EVERY_FILE = "all"


@dataclass(frozen=True)
class FileChoice:
    """`all`, a bucket, a folder or a file (`bucket/folder/file`), or a shell pattern of such paths."""

    texts: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raises InvalidRequestError for what says nothing about which are meant."""
        if not self.texts or not all(text.strip("/ ") for text in self.texts):
            raise InvalidRequestError(
                "It is not said which files are meant",
                operation="restore",
                key="files",
                hint="Name a bucket, a folder or a file, such as avatars/ada/one.png, or all.",
            )

    def takes(self, path: str) -> bool:
        """Whether the file with this path is meant."""
        return EVERY_FILE in self.texts or any(_matches(path, text) for text in self.texts)

    def takes_bucket(self, bucket: str) -> bool:
        """Whether the whole bucket is meant, so that it is made even if it was empty."""
        return EVERY_FILE in self.texts or any(
            fnmatch.fnmatchcase(bucket, text.rstrip("/")) for text in self.texts
        )

    def may_be_in(self, buckets: Sequence[str]) -> list[str]:
        """The buckets in which files may be meant."""
        first = [text.split("/", 1)[0] for text in self.texts]
        return [
            bucket
            for bucket in buckets
            if EVERY_FILE in self.texts
            or any(part == bucket or fnmatch.fnmatchcase(bucket, part) for part in first)
        ]


def _matches(path: str, text: str) -> bool:
    folder = text.rstrip("/")
    return (
        path in (text, folder) or path.startswith(f"{folder}/") or fnmatch.fnmatchcase(path, text)
    )
