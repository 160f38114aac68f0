"""Listing a bucket of Supabase Storage so that objects deleted meanwhile hide no others.

The server that a project has answers `list-v2`, whose cursor is a key: what is deleted before it
moves nothing. Older servers and Supabase Lite know only `list`, whose cursor is a number. There a page
begins with the last object of the page before, and the listing steps back where it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Entry = dict[str, Any]
# (the body of a request) -> the answer
Ask = Callable[[dict[str, Any]], Any]

_CURSOR_PAGE = 1000
_OFFSET_PAGE = 100  # what the server answers at most, whatever is asked


def entries_by_cursor(ask: Ask, prefix: str) -> Iterator[Entry]:
    """Every object under `prefix`, in the order of keys; their names are whole keys."""
    request: dict[str, Any] = {"prefix": prefix, "limit": _CURSOR_PAGE, "with_delimiter": False}
    while True:
        answer = ask(request)
        yield from _entries(answer["objects"])
        if not answer["hasNext"]:
            return
        cursor = answer["nextCursor"]
        if not isinstance(cursor, str) or cursor == request.get("cursor"):
            raise ValueError("a listing that goes on needs a new cursor")
        request["cursor"] = cursor


def entries_by_offset(ask: Ask, folder: str, start: str) -> Iterator[Entry]:
    """Every object of `folder` whose name begins like `start`.

    Two pages belong together where the second begins with an object of the first: whatever follows
    it on the server follows it here. After a deletion the second begins too far on, and is asked for
    again from further back, from the start at the latest.
    """
    seen: set[str] = set()
    offset = longest = 0
    while True:
        page = _entries(ask(_offset_request(folder, start, offset)))
        if offset and not (page and page[0]["name"] in seen):
            offset = max(0, offset - _OFFSET_PAGE)
            continue
        fresh = [entry for entry in page if entry["name"] not in seen]
        yield from fresh
        seen.update(entry["name"] for entry in fresh)
        longest = max(longest, len(page), 2)
        if not fresh and len(page) < longest:
            return
        offset += max(0, len(page) - 1)


def entries_below(ask: Ask, folder: str, start: str = "") -> Iterator[Entry]:
    """Every object of `folder` whose name begins like `start`, and of the folders in it; their names are
    whole keys. A folder is an entry without an ID.
    """
    for entry in entries_by_offset(ask, folder, start):
        name: str = entry["name"]
        # the real server answers names, Supabase Lite whole keys
        key = name if "/" in name or not folder else f"{folder}/{name}"
        if entry.get("metadata") or entry.get("id"):
            yield {**entry, "name": key}
        elif key != folder:
            yield from entries_below(ask, key)


def _offset_request(folder: str, start: str, offset: int) -> dict[str, Any]:
    return {
        "prefix": folder,
        "search": start,
        "limit": _OFFSET_PAGE,
        "offset": offset,
        "sortBy": {"column": "name", "order": "asc"},
    }


def _entries(page: object) -> list[Entry]:
    if not isinstance(page, list) or not all(isinstance(entry, dict) for entry in page):
        raise TypeError("a listing is a list of objects")
    return page
