"""Append an entry to a chain, in each store that holds it."""

from __future__ import annotations

import datetime as dt
import io
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic

from supakeep.archive.chain import Chain
from supakeep.archive.manifest import manifest_content
from supakeep.archive.signature import Keyring
from supakeep.archive.stored_object import read_resuming
from supakeep.domain.chain import E, Link, StoredEntry, is_of_the_future, prefix_of, unnamed
from supakeep.domain.drill import Unrecorded
from supakeep.domain.run import problem_of
from supakeep.errors import IntegrityError, ObjectAlreadyExistsError, StorageError
from supakeep.ports import ObjectStore
from supakeep.usecases.read_chain import entries_in, read_chain

log = logging.getLogger(__name__)

# takes the store, the key and the content
_Record = Callable[[ObjectStore, str, bytes], None]

# an entry that nothing names yet is among the newest, or stands alone since long
_NEWEST = 50


@dataclass(frozen=True)
class AppendEntry(Generic[E]):
    """Writes entries that `keyring` signs, with the same bytes in every one of `stores`."""

    chain: Chain[E]
    stores: Sequence[ObjectStore]
    keyring: Keyring | None

    def previous(self, project: str, now: dt.datetime, newest: int = _NEWEST) -> tuple[Link, ...]:
        """What the new entry names: of all stores, since one of them may lack the newest. One of the
        future would stand before every other one for ever.
        """
        prefix = prefix_of(self.chain.folder, project)
        # first of this month, so that a listing does not grow with the years
        entries = self._newest(f"{prefix}{now:%Y-%m}", newest) or self._newest(prefix, newest)
        return unnamed(found for found in entries if not is_of_the_future(found.entry, now))

    def _newest(self, prefix: str, newest: int) -> list[StoredEntry[E]]:
        return entries_in(
            [read_chain(self.chain, store, prefix, newest=newest) for store in self.stores]
        )

    def once(self, entry: E) -> bool:
        """Writes the entry unless its key is taken in the first store, which decides for all: two that
        write under one key at one moment leave the same entry in each store. False where none has it.
        """
        content = self.chain.encode(entry, self.keyring)
        first, *others = self.stores
        try:
            first.put(entry.key, io.BytesIO(content))
        except ObjectAlreadyExistsError:
            return True
        failed = [self._unrecorded(first, entry.key, content, self._prove)]
        failed += [self._unrecorded(store, entry.key, content, self._write) for store in others]
        return None in failed

    def __call__(self, entry: E) -> tuple[Unrecorded, ...]:
        """The stores that failed; the others have it, and have given it back."""
        content = self.chain.encode(entry, self.keyring)
        failed = (self._unrecorded(store, entry.key, content, self._write) for store in self.stores)
        return tuple(one for one in failed if one)

    def _unrecorded(
        self, store: ObjectStore, key: str, content: bytes, record: _Record
    ) -> Unrecorded | None:
        try:
            record(store, key, content)
        except (StorageError, IntegrityError) as exc:
            log.warning("%s could not be recorded in %s", key, store.name, exc_info=True)
            return Unrecorded(store=store.name, problem=problem_of(exc))
        log.info("%s was written to %s", key, store.name)
        return None

    def _write(self, store: ObjectStore, key: str, content: bytes) -> None:
        store.put(key, io.BytesIO(content))
        self._prove(store, key, content)

    def _prove(self, store: ObjectStore, key: str, content: bytes) -> None:
        """A store may answer that it has taken an entry, and hold something else. Raises IntegrityError."""
        if manifest_content(read_resuming(store, key)) != content:
            raise self.chain.kind.untrusted(key, "it could not be read back as it was written")
