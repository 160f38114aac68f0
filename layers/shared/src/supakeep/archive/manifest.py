"""How a manifest is stored: indented JSON with a checksum of its own (docs/format.md)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import ValidationError

from supakeep.domain.backup_name import ObjectName
from supakeep.domain.manifest import FORMAT, FORMAT_MAJOR, FORMAT_NAME, Manifest
from supakeep.errors import FormatVersionError, InvalidRequestError, ManifestError


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as it is stored."""
    fields = manifest.model_dump(mode="json")
    return json.dumps({**fields, "checksum": checksum_of(fields)}, indent=1).encode() + b"\n"


def parse_manifest(content: bytes, key: str) -> Manifest:
    """Reads the manifest that is stored under `key`.

    Raises FormatVersionError for a newer major format, ManifestError for one that is damaged, was
    edited, or stands under another backup's name.
    """
    fields = _json_object(content, key)
    _check_format(fields.get("format"), key)
    if fields.pop("checksum", None) != checksum_of(fields):
        raise _damaged(key, "its checksum does not match: it was damaged or edited")
    try:
        manifest = Manifest.model_validate(fields)
        expected_key = manifest.name.manifest_key
    except (ValidationError, InvalidRequestError) as exc:
        raise _damaged(key, "its fields are not those of a manifest") from exc
    if expected_key != key:
        raise _damaged(key, f"it describes {manifest.backup}")
    own = ObjectName(manifest.name, is_manifest=False)
    if any(ObjectName.parse(volume.key) != own for volume in manifest.volumes):
        raise _damaged(key, "its volumes are not its own")
    return manifest


def checksum_of(fields: dict[str, Any]) -> str:
    """The SHA-256 of a manifest's fields, whatever their order and spacing."""
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _json_object(content: bytes, key: str) -> dict[str, Any]:
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise _damaged(key, "it is not JSON") from exc
    if not isinstance(fields, dict):
        raise _damaged(key, "it is not a JSON object")
    return fields


def _check_format(text: object, key: str) -> None:
    name, _, version = str(text).partition("/")
    major = version.partition(".")[0]
    if name != FORMAT_NAME or not major.isdecimal():
        raise _damaged(key, f"its format {text!r} is unknown")
    if int(major) > FORMAT_MAJOR:
        raise FormatVersionError(
            f"{key} has format {text}, and this version of Supakeep reads up to {FORMAT}",
            operation="read manifest",
            key=key,
            hint="Update Supakeep; nothing was changed.",
        )


def _damaged(key: str, why: str) -> ManifestError:
    return ManifestError(
        f"The manifest {key} cannot be trusted: {why}",
        operation="read manifest",
        key=key,
        hint="Use the mirror's copy (--from mirror) or another backup; `supakeep list` shows them.",
    )
