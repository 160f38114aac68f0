"""Read the entries of one kind that a store holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Generic

from supakeep.archive.chain import Chain
from supakeep.archive.manifest import manifest_content
from supakeep.domain.chain import E, StoredEntry, recorded_at
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.run import problem_of
from supakeep.errors import IntegrityError, ObjectNotFoundError, StorageError
from supakeep.ports import ObjectStore

_PARALLEL_READS = 8


@dataclass(frozen=True)
class StoreChain(Generic[E]):
    """What one store holds of a chain, oldest first; `untrusted` are the entries that are not believed,
    by their keys. With a `problem`, the store could not be read.
    """

    store: str
    entries: tuple[StoredEntry[E], ...] = ()
    untrusted: dict[str, Problem] = field(default_factory=dict)
    problem: Problem | None = None

    def below(self, before: str | None, newest: int) -> StoreChain[E]:
        """What reading so many of its newest entries would have found, of those that are older than `before`."""
        keys = sorted({entry.key for entry in self.entries} | self.untrusted.keys())
        wanted = [key for key in keys if before is None or key < before][-newest:]
        entries = tuple(entry for entry in self.entries if entry.key in wanted)
        untrusted = {key: why for key, why in self.untrusted.items() if key in wanted}
        return StoreChain(self.store, entries, untrusted, self.problem)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the store, or with its entries, by the store's name."""
        if self.problem is not None:
            message = f"{self.store} could not be read: {self.problem.message}"
            return (Problem(message=message, hint=self.problem.hint),)
        # the hint of an entry leads to the verification
        hint = "Another store may have it right."
        return tuple(
            Problem(message=f"{self.store}: {problem.message}", hint=hint)
            for problem in self.untrusted.values()
        )


def read_chain(
    chain: Chain[E],
    store: ObjectStore,
    prefix: str,
    *,
    since: dt.datetime | None = None,
    before: str | None = None,
    newest: int | None = None,
) -> StoreChain[E]:
    """The entries in one store whose keys begin with `prefix` (`prefix_of`): only those recorded at
    `since` or later, those that are older than the entry `before`, and so many of the newest.
    """
    try:
        keys = _keys(store, prefix, since)
        keys = [key for key in keys if before is None or key < before]
        return _read(chain, store, keys[-newest:] if newest else keys)
    except StorageError as exc:
        return StoreChain(store.name, problem=problem_of(exc))


def entries_in(held: Sequence[StoreChain[E]]) -> list[StoredEntry[E]]:
    """The entries that any store holds, oldest first; of different ones under a key, the first store's."""
    by_key = {found.key: found for one in reversed(held) for found in one.entries}
    return [by_key[key] for key in sorted(by_key)]


def holders_of(stored: StoredEntry[E], held: Sequence[StoreChain[E]]) -> tuple[str, ...]:
    """The stores that hold this very entry."""
    return tuple(
        one.store for one in held if any(entry.checksum == stored.checksum for entry in one.entries)
    )


def _keys(store: ObjectStore, prefix: str, since: dt.datetime | None) -> list[str]:
    moments = {stored.key: recorded_at(stored.key) for stored in store.list(prefix)}
    return sorted(key for key, at in moments.items() if at and (since is None or at >= since))


def _read(chain: Chain[E], store: ObjectStore, keys: Sequence[str]) -> StoreChain[E]:
    with ThreadPoolExecutor(_PARALLEL_READS) as pool:
        reading = [pool.submit(copy_context().run, entry_in, chain, store, key) for key in keys]
        found = [future.result() for future in reading]
    entries = tuple(entry for entry in found if isinstance(entry, StoredEntry))
    untrusted = {
        key: problem_of(entry)
        for key, entry in zip(keys, found, strict=True)
        if isinstance(entry, IntegrityError)
    }
    return StoreChain(store.name, entries, untrusted)


def entry_in(
    chain: Chain[E], store: ObjectStore, key: str
) -> StoredEntry[E] | IntegrityError | None:
    """The entry under this key, or why it is not believed; None where it was removed after it was listed.
    Raises StorageError.
    """
    try:
        with store.read(key) as pieces:
            return chain.parse(manifest_content(pieces), key)
    except ObjectNotFoundError:
        return None
    except IntegrityError as exc:
        return exc
