"""How the ledger's entries are stored: small JSON objects beside the backups (docs/format.md)."""

from __future__ import annotations

from supakeep.archive.sealed_json import checksum_of
from supakeep.archive.sealed_kind import SealedKind
from supakeep.archive.signature import Keyring
from supakeep.domain.ledger import LedgerEntry, StoredEntry
from supakeep.domain.manifest import Signature

LEDGER_ENTRY = SealedKind(
    "ledger entry",
    "supakeep-ledger/1",
    "`supakeep ledger verify` says what is wrong with each entry, and which store has it right.",
)


class _SignedEntry(LedgerEntry):
    signature: Signature | None = None


def encode_entry(entry: LedgerEntry, keyring: Keyring | None) -> bytes:
    """The entry as it is stored; with `keyring` it is signed."""
    # where it is recorded is known only afterwards
    fields = entry.model_dump(mode="json", exclude={"report": {"entry", "unrecorded"}})
    return LEDGER_ENTRY.encode(fields, keyring)


def parse_entry(content: bytes, key: str) -> StoredEntry:
    """The entry that is stored under `key`. Raises IntegrityError for one that is damaged, of another
    format, or stands under a key that is not its own.
    """
    entry = LEDGER_ENTRY.parse(_SignedEntry, content, key)
    if entry.key != key:
        raise LEDGER_ENTRY.untrusted(key, f"it was written as {entry.key}")
    signed_by = entry.signature.key_id if entry.signature else None
    checksum = checksum_of(LEDGER_ENTRY.fields(content, key))
    return StoredEntry(key, checksum, LedgerEntry(**dict(entry)), signed_by)
