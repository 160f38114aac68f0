"""How a manifest is stored: indented JSON with a checksum of its own (docs/format.md)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import ValidationError

from supakeep.archive.damage import another_copy_hint
from supakeep.archive.encoding import Encoding
from supakeep.domain.backup_name import ObjectName
from supakeep.domain.manifest import (
    FORMAT,
    FORMAT_MAJOR,
    FORMAT_NAME,
    Manifest,
    TableEntry,
    TableStatus,
)
from supakeep.errors import FormatVersionError, InvalidRequestError, ManifestError


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as it is stored."""
    fields = manifest.model_dump(mode="json")
    return json.dumps({**fields, "checksum": checksum_of(fields)}, indent=1).encode() + b"\n"


def parse_manifest(content: bytes, key: str, *, read_from: str | None = None) -> Manifest:
    """Reads the manifest that the store `read_from` holds under `key`.

    Raises FormatVersionError for a newer major format, ManifestError for one that is damaged, was
    edited, contradicts itself, or stands under another backup's name.
    """
    try:
        manifest = _parse(content, key)
        _check_names(manifest, key)
        for entry in manifest.tables:
            _check_sums(entry)
    except _UntrustedError as exc:
        raise ManifestError(
            f"The manifest {key} cannot be trusted: {exc}",
            operation="read manifest",
            key=key,
            hint=another_copy_hint(read_from),
        ) from exc
    return manifest


def checksum_of(fields: dict[str, Any]) -> str:
    """The SHA-256 of a manifest's fields, whatever their order and spacing."""
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class _UntrustedError(Exception):
    """Why a manifest is not believed, as a clause."""


def _parse(content: bytes, key: str) -> Manifest:
    fields = _json_object(content)
    _check_format(fields.get("format"), key)
    if fields.pop("checksum", None) != checksum_of(fields):
        raise _UntrustedError("its checksum does not match: it was damaged or edited")
    try:
        return Manifest.model_validate(fields)
    except ValidationError as exc:
        raise _UntrustedError("its fields are not those of a manifest") from exc


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise _UntrustedError("it is not JSON") from exc
    if not isinstance(fields, dict):
        raise _UntrustedError("it is not a JSON object")
    return fields


def _check_format(text: object, key: str) -> None:
    name, _, version = str(text).partition("/")
    major = version.partition(".")[0]
    if name != FORMAT_NAME or not major.isdecimal():
        raise _UntrustedError(f"its format {text!r} is unknown")
    if int(major) > FORMAT_MAJOR:
        raise FormatVersionError(
            f"{key} has format {text}, and this version of Supakeep reads up to {FORMAT}",
            operation="read manifest",
            key=key,
            hint="Update Supakeep; nothing was changed.",
        )


def _check_names(manifest: Manifest, key: str) -> None:
    try:
        name = manifest.name
    except InvalidRequestError as exc:
        raise _UntrustedError("its fields are not those of a manifest") from exc
    if name.manifest_key != key:
        raise _UntrustedError(f"it describes {manifest.backup}")
    own = ObjectName(name, is_manifest=False, encoding=Encoding.of_manifest(manifest).suffix)
    if any(ObjectName.parse(volume.key) != own for volume in manifest.volumes):
        raise _UntrustedError("its volumes are not its own")


def _check_sums(entry: TableEntry) -> None:
    """A complete table's parts are all of its rows: a `replace` deletes what they do not hold."""
    if entry.status is not TableStatus.COMPLETE:
        return
    rows = sum(part.rows for part in entry.parts)
    size = sum(part.bytes for part in entry.parts)
    if (rows, size) != (entry.rows, entry.bytes):
        raise _UntrustedError(
            f"{entry.name} has {entry.rows:,} rows in {entry.bytes:,} bytes, "
            f"and its parts have {rows:,} in {size:,}"
        )
