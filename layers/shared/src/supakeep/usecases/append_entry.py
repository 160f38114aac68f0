"""Append an entry to a chain, in each store that holds it."""

from __future__ import annotations

import datetime as dt
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from supakeep.archive.chain import Chain
from supakeep.archive.signature import Keyring
from supakeep.domain.chain import E, Link, StoredEntry, is_of_the_future, prefix_of, unnamed
from supakeep.domain.drill import Unrecorded
from supakeep.domain.run import problem_of
from supakeep.errors import ObjectAlreadyExistsError, StorageError
from supakeep.ports import ObjectStore
from supakeep.usecases.read_chain import entries_in, read_chain

log = logging.getLogger(__name__)

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
        write under one key at one moment leave the same entry in each store.
        """
        content = self.chain.encode(entry, self.keyring)
        try:
            self.stores[0].put(entry.key, io.BytesIO(content))
        except ObjectAlreadyExistsError:
            return True
        for store in self.stores[1:]:
            _write(store, entry.key, content)
        return True

    def __call__(self, entry: E) -> tuple[Unrecorded, ...]:
        """The stores that failed; the others have it."""
        content = self.chain.encode(entry, self.keyring)
        failed = (_write(store, entry.key, content) for store in self.stores)
        return tuple(one for one in failed if one)


def _write(store: ObjectStore, key: str, content: bytes) -> Unrecorded | None:
    try:
        store.put(key, io.BytesIO(content))
    except StorageError as exc:
        log.warning("%s is missing in %s", key, store.name, exc_info=True)
        return Unrecorded(store=store.name, problem=problem_of(exc))
    log.info("%s was written to %s", key, store.name)
    return None
