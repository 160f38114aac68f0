"""How a manifest is stored: indented JSON with a checksum of its own (docs/format.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from supakeep.archive.damage import another_copy_hint
from supakeep.archive.encoding import Encoding
from supakeep.archive.sealed_json import (
    CheckedBytes,
    UnsealedError,
    json_object,
    sealed,
    without_checksum,
)
from supakeep.archive.signature import Keyring
from supakeep.domain.backup_name import ObjectName
from supakeep.domain.manifest import (
    FORMAT,
    FORMAT_MAJOR,
    FORMAT_MINOR,
    FORMAT_NAME,
    Manifest,
    TableEntry,
    TableStatus,
)
from supakeep.errors import (
    FormatVersionError,
    InvalidRequestError,
    ManifestError,
    SignatureError,
    UnsignedError,
)

SIGNED_AS = "supakeep manifest"
"""The purpose that a manifest's signature counts for."""

# a manifest lists its tables and volumes; this is some ten thousand of them
_MOST_BYTES = 16 * 1024 * 1024
_MAJOR = re.compile(r"[0-9]{1,9}")


def encode_manifest(manifest: Manifest, keyring: Keyring | None = None) -> bytes:
    """The manifest as it is stored; with `keyring` it is signed."""
    fields = manifest.model_dump(mode="json", exclude={"signature"})
    return sealed(fields, SIGNED_AS, keyring)


def parse_manifest(content: bytes, key: str) -> Manifest:
    """Reads the manifest that a store holds under `key`.

    Raises FormatVersionError for a newer major format, ManifestError for one that is damaged, was
    edited, contradicts itself, or stands under another backup's name.
    """
    try:
        manifest = _parse(content, key)
        _check_names(manifest, key)
        for entry in manifest.tables:
            _check_sums(entry)
    except UnsealedError as exc:
        raise _untrusted(key, exc) from exc
    return manifest


def manifest_content(pieces: Iterable[bytes]) -> bytes:
    """A stored manifest from its pieces; of one that is too large to be one, only a part, which is
    refused later as not being JSON. What was read already comes
    in one piece, and is returned as it is.
    """
    content = bytearray()
    for piece in pieces:
        if isinstance(piece, CheckedBytes):
            return piece
        content += piece
        if len(content) > _MOST_BYTES:
            break
    return bytes(content)


def check_signature(
    content: bytes,
    key: str,
    keyring: Keyring,
    *,
    accepts_unsigned: bool = False,
) -> CheckedBytes:
    """The content, which need not be read again.

    Raises SignatureError for a manifest with a signature that `keyring` does not know, UnsignedError
    for one without a signature unless they are accepted, and otherwise as `parse_manifest` does.
    """
    try:
        fields = _whole_fields(content, key)
    except UnsealedError as exc:
        raise _untrusted(key, exc) from exc
    checked = CheckedBytes.of(content, fields)
    stored = fields.pop("signature", None)
    if stored is None and accepts_unsigned:
        return checked
    if stored is None:
        raise UnsignedError(
            f"The manifest {key} is unsigned, and only signed backups are accepted",
            operation="read manifest",
            key=key,
            hint="If it was made before SIGNING_KEY was set, restore it by its name with "
            "--allow-unsigned (command line). If not, somebody else wrote it.",
        )
    try:
        keyring.check_stored(SIGNED_AS, fields, stored)
    except SignatureError as exc:
        raise _wrongly_signed(key, exc) from None
    return checked


def _wrongly_signed(key: str, error: SignatureError) -> SignatureError:
    return SignatureError(
        f"The manifest {key} cannot be trusted: {error.message}",
        operation="read manifest",
        key=key,
        hint="If SIGNING_KEY was replaced, put the former key into SIGNING_KEYS_OLD. If not, somebody "
        "who can write into the store has made or changed this backup: use another copy or backup.",
    )


def _untrusted(key: str, error: UnsealedError) -> ManifestError:
    return ManifestError(
        f"The manifest {key} cannot be trusted: {error}",
        operation="read manifest",
        key=key,
        hint=another_copy_hint(None),
    )


def _parse(content: bytes, key: str) -> Manifest:
    try:
        return Manifest.model_validate(_whole_fields(content, key))
    except ValidationError as exc:
        raise UnsealedError("its fields are not those of a manifest") from exc


def _whole_fields(content: bytes, key: str) -> dict[str, Any]:
    """All fields but the checksum, which is right."""
    if isinstance(content, CheckedBytes):
        return dict(content.fields)
    fields = json_object(content)
    _check_format(fields.get("format"), key)
    return without_checksum(fields)


def _check_format(text: object, key: str) -> None:
    name, _, version = str(text).partition("/")
    major = version.partition(".")[0]
    if name != FORMAT_NAME or not _MAJOR.fullmatch(major):
        raise UnsealedError(f"its format {str(text)[:40]!r} is unknown")
    if int(major) > FORMAT_MAJOR:
        raise FormatVersionError(
            f"{key} has format {str(text)[:40]}, and this version of Supakeep reads up to {FORMAT}",
            operation="read manifest",
            key=key,
            hint="Update Supakeep; nothing was changed.",
        )


def require_known_format(manifest: Manifest) -> None:
    """Raises FormatVersionError where a later version has written it: what this one does not know of it would be
    lost when it is written anew.
    """
    minor = manifest.format.partition(".")[2] or "0"
    if not minor.isdecimal() or int(minor) > FORMAT_MINOR:
        raise _too_new(manifest.format, manifest.name.manifest_key)


def _too_new(text: str, key: str) -> FormatVersionError:
    return FormatVersionError(
        f"{key} has format {text[:40]}, and this version of Supakeep knows up to {FORMAT}",
        operation="read manifest",
        key=key,
        hint="Update Supakeep; nothing was changed.",
    )


def _check_names(manifest: Manifest, key: str) -> None:
    try:
        name = manifest.name
    except InvalidRequestError as exc:
        raise UnsealedError("its fields are not those of a manifest") from exc
    if name.manifest_key != key:
        raise UnsealedError(f"it describes {manifest.backup}")
    own = ObjectName(name, is_manifest=False, encoding=Encoding.of_manifest(manifest).suffix)
    if any(ObjectName.parse(volume.key) != own for volume in manifest.volumes):
        raise UnsealedError("its volumes are not its own")
    definitions = manifest.definitions.stored if manifest.definitions else None
    if definitions and ObjectName.parse(definitions.key) != replace(own, is_definitions=True):
        raise UnsealedError("its definitions are not its own")
    lists = ObjectName(name, is_manifest=False, is_files=True)
    if manifest.files and any(ObjectName.parse(v.key) != lists for v in manifest.files.objects):
        raise UnsealedError("its lists of files are not its own")


def _check_sums(entry: TableEntry) -> None:
    """A complete table's parts are all of its rows: a `replace` deletes what they do not hold."""
    if entry.status is not TableStatus.COMPLETE:
        return
    rows = sum(part.rows for part in entry.parts)
    size = sum(part.bytes for part in entry.parts)
    if (rows, size) != (entry.rows, entry.bytes):
        raise UnsealedError(
            f"{entry.name} has {entry.rows:,} rows in {entry.bytes:,} bytes, "
            f"and its parts have {rows:,} in {size:,}"
        )
