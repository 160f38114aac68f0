"""JSON objects with a checksum of their own: what manifests, pins and the ledger's entries have in common."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

from supakeep.archive.signature import Keyring, canonical


class CheckedBytes(bytes):
    """The bytes of an object that were read once already and found whole, with the `fields` that they
    hold beside the checksum: whoever is given them need not read them again.
    """

    fields: Mapping[str, Any]

    @classmethod
    def of(cls, content: bytes, fields: Mapping[str, Any]) -> Self:
        checked = cls(content)
        checked.fields = MappingProxyType(dict(fields))
        return checked


class UnsealedError(Exception):
    """Why an object is not believed, as a clause."""


def sealed(fields: Mapping[str, Any], purpose: str, keyring: Keyring | None) -> bytes:
    """The fields as they are stored: with a checksum, and with `keyring` signed for this purpose."""
    stored = dict(fields)
    if keyring is not None:
        stored["signature"] = keyring.sign(purpose, fields).model_dump()
    return json.dumps({**stored, "checksum": checksum_of(stored)}, indent=1).encode() + b"\n"


def checksum_of(fields: Mapping[str, Any]) -> str:
    """The SHA-256 of fields, whatever their order and spacing."""
    return hashlib.sha256(canonical(fields)).hexdigest()


def without_checksum(fields: Mapping[str, Any]) -> dict[str, Any]:
    """All other fields. Raises UnsealedError where the checksum is not theirs."""
    others = {name: value for name, value in fields.items() if name != "checksum"}
    if fields.get("checksum") != checksum_of(others):
        raise UnsealedError("its checksum does not match: it was damaged or edited")
    return others


def json_object(content: bytes) -> dict[str, Any]:
    """Raises UnsealedError for what is not one, or what two readers could read in two ways."""
    try:
        fields = json.loads(content, object_pairs_hook=_without_repeats, parse_constant=_no_number)
    except (ValueError, RecursionError) as exc:
        raise UnsealedError("it is not JSON") from exc
    if not isinstance(fields, dict):
        raise UnsealedError("it is not a JSON object")
    return fields


def _without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Readers differ in which of two members of one name they take; so none is written."""
    fields = dict(members)
    if len(fields) != len(members):
        raise UnsealedError("a name stands twice in it")
    return fields


def _no_number(text: str) -> float:
    raise UnsealedError(f"{text} is not JSON")
