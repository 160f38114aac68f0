"""How a manifest is stored: indented JSON with a checksum of its own (docs/format.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from supakeep.archive.damage import another_copy_hint
from supakeep.archive.encoding import Encoding
from supakeep.archive.signature import Keyring, canonical
from supakeep.domain.backup_name import ObjectName
from supakeep.domain.manifest import (
    FORMAT,
    FORMAT_MAJOR,
    FORMAT_NAME,
    Manifest,
    Signature,
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


def encode_manifest(manifest: Manifest, keyring: Keyring | None = None) -> bytes:
    """The manifest as it is stored; with `keyring` it is signed."""
    fields = manifest.model_dump(mode="json", exclude={"signature"})
    if keyring is not None:
        fields["signature"] = keyring.sign(SIGNED_AS, fields).model_dump()
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
        raise _untrusted(key, exc, read_from) from exc
    return manifest


def manifest_content(pieces: Iterable[bytes]) -> bytes:
    """A stored manifest from its pieces; of one that is too large to be one, only a part, which is
    refused later as not being JSON.
    """
    content = bytearray()
    for piece in pieces:
        content += piece
        if len(content) > _MOST_BYTES:
            break
    return bytes(content)


def check_signature(
    content: bytes,
    key: str,
    keyring: Keyring,
    *,
    read_from: str | None = None,
    accepts_unsigned: bool = False,
) -> None:
    """Raises SignatureError for a manifest with a signature that `keyring` does not know, UnsignedError
    for one without a signature unless they are accepted, and otherwise as `parse_manifest` does.
    """
    try:
        fields = _whole_fields(content, key)
    except _UntrustedError as exc:
        raise _untrusted(key, exc, read_from) from exc
    stored = fields.pop("signature", None)
    if stored is None and accepts_unsigned:
        return
    if stored is None:
        raise UnsignedError(
            f"The manifest {key} is unsigned, and only signed backups are accepted",
            operation="read manifest",
            key=key,
            hint="If it was made before SIGNING_KEY was set, restore it by its name with "
            "--allow-unsigned (command line). If not, somebody else wrote it.",
        )
    try:
        keyring.check(SIGNED_AS, fields, Signature.model_validate(stored))
    except (ValidationError, SignatureError) as exc:
        raise _wrongly_signed(key, exc) from None


def _wrongly_signed(key: str, error: ValidationError | SignatureError) -> SignatureError:
    why = error.message if isinstance(error, SignatureError) else "its signature is not one"
    return SignatureError(
        f"The manifest {key} cannot be trusted: {why}",
        operation="read manifest",
        key=key,
        hint="If SIGNING_KEY was replaced, put the former key into SIGNING_KEYS_OLD. If not, somebody "
        "who can write into the store has made or changed this backup: use another copy or backup.",
    )


def checksum_of(fields: dict[str, Any]) -> str:
    """The SHA-256 of a manifest's fields, whatever their order and spacing."""
    return hashlib.sha256(canonical(fields)).hexdigest()


class _UntrustedError(Exception):
    """Why a manifest is not believed, as a clause."""


def _untrusted(key: str, error: _UntrustedError, read_from: str | None) -> ManifestError:
    return ManifestError(
        f"The manifest {key} cannot be trusted: {error}",
        operation="read manifest",
        key=key,
        hint=another_copy_hint(read_from),
    )


def _parse(content: bytes, key: str) -> Manifest:
    try:
        return Manifest.model_validate(_whole_fields(content, key))
    except ValidationError as exc:
        raise _UntrustedError("its fields are not those of a manifest") from exc


def _whole_fields(content: bytes, key: str) -> dict[str, Any]:
    """All fields but the checksum, which is right."""
    fields = _json_object(content)
    _check_format(fields.get("format"), key)
    if fields.pop("checksum", None) != checksum_of(fields):
        raise _UntrustedError("its checksum does not match: it was damaged or edited")
    return fields


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(content, object_pairs_hook=_without_repeats, parse_constant=_no_number)
    except (ValueError, RecursionError) as exc:
        raise _UntrustedError("it is not JSON") from exc
    if not isinstance(fields, dict):
        raise _UntrustedError("it is not a JSON object")
    return fields


def _without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Readers differ in which of two members of one name they take; so none is written."""
    fields = dict(members)
    if len(fields) != len(members):
        raise _UntrustedError("a name stands twice in it")
    return fields


def _no_number(text: str) -> float:
    raise _UntrustedError(f"{text} is not JSON")


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
