"""An object store that gives only manifests, pins and entries with a signature that holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Self

from supakeep.archive.audit_log import AUDIT_ENTRY
from supakeep.archive.ledger import LEDGER_ENTRY
from supakeep.archive.manifest import check_signature, manifest_content
from supakeep.archive.pin import PIN
from supakeep.archive.sealed_kind import SealedKind
from supakeep.archive.signature import Keyring
from supakeep.domain.audit_log import AUDIT_FOLDER
from supakeep.domain.backup_name import MANIFEST_SUFFIX, PIN_SUFFIX
from supakeep.domain.ledger import LEDGER_FOLDER
from supakeep.ports import ForwardingObjectStore, ObjectStore


class VerifiedObjectStore(ForwardingObjectStore):
    """Reading a manifest, a pin or an entry of the ledger or the audit log raises SignatureError where
    `keyring` does not know its signature, and UnsignedError where it has none, unless unsigned manifests
    are accepted; all else passes through.
    Volumes need no signature of their own: the manifest has their checksums.
    """

    def __init__(
        self, store: ObjectStore, keyring: Keyring, *, accepts_unsigned: bool = False
    ) -> None:
        super().__init__(store)
        self._keyring = keyring
        self._accepts_unsigned = accepts_unsigned

    def accepting_unsigned(self) -> Self:
        """The same store, which gives manifests without a signature too."""
        return type(self)(self._store, self._keyring, accepts_unsigned=True)

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        with self._store.read(key) as pieces:
            if key.endswith(MANIFEST_SUFFIX):
                yield self._verified(key, pieces)
            elif key.endswith(PIN_SUFFIX):
                yield self._verified_as(PIN, key, pieces)
            elif key.startswith(f"{LEDGER_FOLDER}/"):
                yield self._verified_as(LEDGER_ENTRY, key, pieces)
            elif key.startswith(f"{AUDIT_FOLDER}/"):
                yield self._verified_as(AUDIT_ENTRY, key, pieces)
            else:
                yield pieces

    def _verified(self, key: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """When the first piece is asked for: whether there is a manifest at all needs no signature."""
        content = manifest_content(pieces)
        yield check_signature(
            content,
            key,
            self._keyring,
            accepts_unsigned=self._accepts_unsigned,
        )

    def _verified_as(self, kind: SealedKind, key: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        content = manifest_content(pieces)
        kind.check_signature(content, key, self._keyring)
        yield content


def verified(store: ObjectStore, keyring: Keyring | None) -> ObjectStore:
    """The store with its manifests verified; as it is where there is no key."""
    return store if keyring is None else VerifiedObjectStore(store, keyring)


def accepting_unsigned(stores: Iterable[ObjectStore]) -> list[ObjectStore]:
    """The stores, which give manifests without a signature too. A wrong one is refused as before."""
    return [
        store.accepting_unsigned() if isinstance(store, VerifiedObjectStore) else store
        for store in stores
    ]
