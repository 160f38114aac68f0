"""How a stored file is named in a copy: `files/<ref>/<…>/<version>.<sha256>`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from supakeep.domain.project_ref import PROJECT_REF

FILES_FOLDER = "files"

_KEY = re.compile(
    rf"{FILES_FOLDER}/(?P<ref>{PROJECT_REF})/(?P<shard>[0-9a-f]{{2}})/"
    r"(?P<version>(?P=shard)[0-9a-f]{30})\.(?P<sha256>[0-9a-f]{64})"
    r"(?P<encoding>(?:\.gz|\.zst)?(?:\.age)?)",
    re.ASCII,
)


@dataclass(frozen=True)
class FileKey:
    """`version` says which bytes of which file it is (ProjectFile.version_key), `sha256` is that of the
    object as it is stored.
    """

    ref: str
    version: str
    sha256: str
    encoding: str = ""

    @classmethod
    def parse(cls, key: str) -> Self | None:
        """None for a key that is not one of ours."""
        match = _KEY.fullmatch(key)
        if match is None:
            return None
        return cls(match["ref"], match["version"], match["sha256"], match["encoding"])

    @property
    def is_encrypted(self) -> bool:
        return self.encoding.endswith(".age")

    def __str__(self) -> str:
        return f"{file_folder(self.ref, self.version)}{self.version}.{self.sha256}{self.encoding}"


def file_folder(ref: str, version: str) -> str:
    """Where the objects of a file's version lie, with a slash at its end."""
    return f"{FILES_FOLDER}/{ref}/{version[:2]}/"


def file_prefixes(ref: str) -> list[str]:
    """Prefixes that part the stored files of a project, so that no listing is of all of them."""
    return [f"{FILES_FOLDER}/{ref}/{digit:x}" for digit in range(16)]
