"""Whether a ledger is whole: what its entries say of each other, and what each store holds of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from supakeep.domain.chain import E, Link, StoredEntry, is_of_the_future, is_older
from supakeep.domain.manifest_parts import Problem

Held = Mapping[str, Sequence[StoredEntry[E]]]
"""The entries that are believed, by the name of the store that holds them."""

_LOOK = (
    "Find out who may write to that store and to its copies; the entries that are left still count."
)


def ledger_problems(held: Held[E], now: dt.datetime) -> Iterator[Problem]:
    """What is wrong with the entries of one project: one that differs between stores, was changed or
    dropped after a later one had named it, stands before one that it names, or claims a time to come.

    That the newest entries are missing in every store is not noticed: nothing names them yet.
    """
    known = _by_key(held)
    for key, versions in sorted(known.items()):
        if len(versions) > 1:
            stores = " and ".join(" and ".join(names) for names in versions.values())
            yield Problem(message=f"{key} differs between {stores}", hint=_LOOK)
    for entry in _any_version(held):
        if is_of_the_future(entry.entry, now):
            yield Problem(message=f"{entry.key} claims a time that has not come", hint=_LOOK)
        for link in entry.entry.previous:
            yield from _problem_of_link(entry, link, known)


def missing_entries(held: Held[E]) -> Iterator[Problem]:
    """The entries that one store holds and another one lacks."""
    every = {entry.key for entries in held.values() for entry in entries}
    for store, entries in held.items():
        lacking = sorted(every - {entry.key for entry in entries})
        if lacking:
            others = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            yield Problem(
                message=f"{store} lacks {lacking[0]}{others}",
                hint="A store that failed when an entry was written lacks it. The others have it.",
            )


def _by_key(held: Held[E]) -> dict[str, dict[str, list[str]]]:
    """For each key the checksums under it, each with the stores that hold that version."""
    known: dict[str, dict[str, list[str]]] = {}
    for store, entries in held.items():
        for entry in entries:
            known.setdefault(entry.key, {}).setdefault(entry.checksum, []).append(store)
    return known


def _any_version(held: Held[E]) -> list[StoredEntry[E]]:
    """Each version of each entry, oldest first."""
    versions = {(e.key, e.checksum): e for entries in held.values() for e in entries}
    return [versions[which] for which in sorted(versions)]


def _problem_of_link(
    entry: StoredEntry[E], link: Link, known: Mapping[str, Mapping[str, object]]
) -> Iterator[Problem]:
    if not is_older(link, entry.entry):
        message = f"{entry.key} names {link.key}, which is not older"
        yield Problem(message=message, hint=_LOOK)
    elif link.key not in known:
        message = f"{link.key} is missing in every store, and {entry.key} names it"
        yield Problem(message=message, hint=_LOOK)
    elif link.checksum not in known[link.key]:
        message = f"{link.key} is not what it was when {entry.key} was written"
        yield Problem(message=message, hint=_LOOK)
