"""Whether entries of the ledger and the audit log are what they say, found out as docs/format.md describes it
and by none of Supakeep's own code.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.faults.proof import Objects, canonical


class Entries(NamedTuple):
    """What a store holds of a chain: the fields of the believed ones by key, and the keys of the others."""

    believed: dict[str, dict[str, Any]]
    damaged: set[str]


def ledger_of(objects: Objects, signing_key: str) -> Entries:
    return _entries(objects, "ledger/", "supakeep ledger entry", signing_key)


def audit_log_of(objects: Objects, signing_key: str) -> Entries:
    return _entries(objects, "audit/", "supakeep audit entry", signing_key)


def is_whole(held: Mapping[str, Entries]) -> bool:
    """Whether every store has every entry, undamaged."""
    keys = {key for entries in held.values() for key in (*entries.believed, *entries.damaged)}
    return all(set(entries.believed) == keys for entries in held.values())


def _entries(objects: Objects, prefix: str, purpose: str, signing_key: str) -> Entries:
    found = Entries({}, set())
    for key, content in objects.items():
        if key.startswith(prefix):
            fields = _believed(content, purpose, signing_key)
            if fields is None:
                found.damaged.add(key)
            else:
                found.believed[key] = fields
    return found


def _believed(content: bytes, purpose: str, signing_key: str) -> dict[str, Any] | None:
    try:
        fields: dict[str, Any] = json.loads(content)
        checksum = fields.pop("checksum")
        if hashlib.sha256(canonical(fields)).hexdigest() != checksum:
            return None
        signature = fields.pop("signature")
        text = f"{purpose}\n".encode() + canonical(fields)
        expected = hmac.new(signing_key.encode(), text, hashlib.sha256).hexdigest()
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return fields if signature["value"] == expected else None
