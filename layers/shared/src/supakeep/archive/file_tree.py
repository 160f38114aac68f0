"""The lists of files that belong to a backup: one JSON value a line (docs/format.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from supakeep.domain.project_file import Bucket, ProjectFile

TREE_FORMAT = "supakeep-files/1"


def tree_head(backup: str, project: str) -> bytes:
    """The first line."""
    return _line({"format": TREE_FORMAT, "backup": backup, "project": project})


def bucket_line(bucket: Bucket) -> bytes:
    """A bucket with what it is created with."""
    return _line({"bucket": {"id": bucket.id, **bucket.attributes}})


def file_fields(file: ProjectFile) -> dict[str, Any]:
    """What is kept of a file beside its bytes."""
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
    return _line({"file": {**fields, **({"key": stored} if stored else {"missing": missing})}})


def key_line(key: str, size_bytes: int) -> bytes:
    """An object that holds a file, and its size as it is stored."""
    return f"{key} {size_bytes}\n".encode()


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
