"""The lists of files that belong to a backup: one JSON value a line (docs/format.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from supakeep.archive.damage import damaged
from supakeep.domain.json_text import parsed, text_of
from supakeep.domain.project_file import Bucket, ProjectFile
from supakeep.errors import ChecksumError, FormatVersionError

TREE_FORMAT = "supakeep-files/1"
MOST_LINE_BYTES = 16 * 1024 * 1024
"""No line of a list is longer, so that a longer one is damage."""


def tree_head(backup: str, project: str) -> bytes:
    """The first line."""
    return _line({"format": TREE_FORMAT, "backup": backup, "project": project})


def bucket_line(bucket: Bucket) -> bytes:
    """A bucket with what it is created with."""
    return text_of({"bucket": {"id": bucket.id, **bucket.attributes}}).encode() + b"\n"


def file_fields(file: ProjectFile) -> dict[str, Any]:
    """What is kept of a file beside its bytes; `metadata` as the text of its JSON."""
    fields = {
        "bucket": file.bucket,
        "name": file.name,
        "size": file.size_bytes,
        "updated_at": file.updated_at,
        "content_type": file.content_type,
        "cache_control": file.cache_control,
        "metadata": file.metadata,
        "id": file.id,
        "etag": file.etag,
        "version": file.version,
    }
    return {name: value for name, value in fields.items() if value is not None}


def file_line(fields: Mapping[str, Any], stored: str | None, missing: str | None) -> bytes:
    """A file, with the key of the object that holds it or the reason why there is none."""
    known = {**fields, **({"key": stored} if stored else {"missing": missing})}
    metadata = known.pop("metadata", None)
    more = f',"metadata":{metadata}' if metadata else ""
    return f'{{"file":{_text(known)[:-1]}{more}}}}}\n'.encode()


class _Written(BaseModel):
    # a later minor version may add fields
    model_config = ConfigDict(strict=True, extra="ignore")


class _File(_Written):
    bucket: str
    name: str
    size: NonNegativeInt | None = None
    updated_at: str
    id: str
    content_type: str | None = None
    cache_control: str | None = None
    metadata: dict[str, Any] | None = None
    etag: str | None = None
    version: str | None = None
    key: str | None = None
    missing: str | None = None


class _Bucket(_Written):
    id: str


class _Line(_Written):
    """A line behind the first one."""

    bucket: _Bucket | None = None
    file: _File | None = None


TreeEntry = Bucket | dict[str, Any]
"""A bucket, or the fields of a file with `key` or `missing`; its `metadata` as the text of its JSON."""


def tree_entries(pieces: Iterable[bytes], key: str) -> Iterator[TreeEntry]:
    """What a tree names, from its bytes in pieces of any size. Raises ChecksumError for what is no tree,
    and FormatVersionError for one of a later version.
    """
    lines = _every_line(pieces, key)
    head = _parsed(next(lines, b""), key)
    if head.get("format") != TREE_FORMAT:
        raise FormatVersionError(
            f"{key} has format {head.get('format')}, and this version of Supakeep reads {TREE_FORMAT}",
            operation="read files",
            key=key,
            hint="Update Supakeep; nothing was changed.",
        )
    for line in lines:
        entry = _checked(_parsed(line, key), key)
        if "bucket" in entry:
            attributes = dict(entry["bucket"])
            yield Bucket(attributes.pop("id"), attributes)
        elif "file" in entry:
            yield entry["file"]


def file_of(fields: Mapping[str, Any]) -> ProjectFile:
    """The file that a tree's fields describe."""
    names = {"bucket", "name", "id", "updated_at", "etag", "version", "content_type"}
    names |= {"cache_control", "metadata"}
    known = {name: value for name, value in fields.items() if name in names}
    return ProjectFile(size_bytes=fields.get("size"), **known)


class Lines:
    """Whole lines of the list `key`, from pieces that are cut anywhere; `rest` is what has no end yet."""

    def __init__(self, key: str, rest: bytes = b"") -> None:
        self._key = key
        self.rest = rest

    def of(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The lines that end in these pieces. Raises ChecksumError for one without an end, which would fill
        the memory.
        """
        for piece in pieces:
            *lines, self.rest = (self.rest + piece).split(b"\n")
            yield from lines
            if len(self.rest) > MOST_LINE_BYTES:
                raise _no_list(self._key)


def _every_line(pieces: Iterable[bytes], key: str) -> Iterator[bytes]:
    """Also what stands behind the last end of a line."""
    lines = Lines(key)
    yield from lines.of(pieces)
    if lines.rest:
        yield lines.rest


def _parsed(line: bytes, key: str) -> dict[str, Any]:
    try:
        entry = parsed(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        raise _no_list(key)
    return entry


def _checked(entry: dict[str, Any], key: str) -> dict[str, Any]:
    try:
        _Line.model_validate(entry)
        if metadata := (entry.get("file") or {}).get("metadata"):
            entry["file"]["metadata"] = text_of(metadata)
    except ValueError:
        raise _no_list(key) from None
    return entry


def _no_list(key: str) -> ChecksumError:
    return damaged(key, "it is no list of files")


def key_line(key: str, size_bytes: int) -> bytes:
    """An object that holds a file, and its size as it is stored."""
    return f"{key} {size_bytes}\n".encode()


def key_and_size(line: bytes) -> tuple[str, str]:
    """The two words that `key_line` wrote. A line of a list that is not checked yet may hold anything."""
    key, _, size = line.decode(errors="replace").partition(" ")
    return key, size


def _line(value: Mapping[str, Any]) -> bytes:
    return _text(value).encode() + b"\n"


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
