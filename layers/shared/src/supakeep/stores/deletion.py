"""Deleting many objects: one at a time, or in the batches that a server takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from supakeep.errors import ObjectLockedError, StorageError

_MOST_AT_ONCE = 1000
"""What S3 and Supabase Storage take in one request."""


def delete_each(delete: Callable[[str], object], keys: Sequence[str]) -> dict[str, StorageError]:
    """`ObjectStore.delete_all` by single deletions. A locked object keeps none of the others; any
    other failure ends it, since it is the store's.
    """
    left: dict[str, StorageError] = {}
    for number, key in enumerate(keys):
        try:
            delete(key)
        except ObjectLockedError as exc:
            left[key] = exc
        except StorageError as exc:
            return {**left, **dict.fromkeys(keys[number:], exc)}
    return left


def delete_in_batches(
    delete_batch: Callable[[Sequence[str]], Mapping[str, StorageError]], keys: Sequence[str]
) -> dict[str, StorageError]:
    """`ObjectStore.delete_all` by a server's own batches; `delete_batch` returns what is left of one,
    or raises StorageError.
    """
    left: dict[str, StorageError] = {}
    for start in range(0, len(keys), _MOST_AT_ONCE):
        try:
            left.update(delete_batch(keys[start : start + _MOST_AT_ONCE]))
        except StorageError as exc:
            return {**left, **dict.fromkeys(keys[start:], exc)}
    return left
