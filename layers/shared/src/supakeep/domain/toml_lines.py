"""Which line of a TOML file sets what: its parser does not say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_HEADER = re.compile(r"\s*\[\[?\s*([\w.\"'-]+)\s*\]\]?\s*(?:#.*)?")


class _Setting(NamedTuple):
    """One line that sets something: under which heading, and under which one of several such."""

    line: int
    section: str
    number: int
    text: str


def line_of(text: str, path: Sequence[int | str]) -> int | None:
    """The line that sets the value at this path (`("table", 1, "name")`), else that of its heading.

    None where neither is found.
    """
    if not path:
        return None
    section, key = str(path[0]), _key(path)
    number = path[1] if len(path) > 1 and isinstance(path[1], int) else 0
    lines = list(_settings(text))
    own = [line for line in lines if (line.section, line.number) == (section, number)]
    if key is not None:
        for line in own:
            if _sets(line.text, key):
                return line.line
    if own:
        return own[0].line
    # an inline table, a dotted key, or a key that stands before all headings
    return next((line.line for line in lines if _mentions(line.text, key or section)), None)


def _key(path: Sequence[int | str]) -> str | None:
    names = [part for part in path[1:] if isinstance(part, str)]
    return names[0] if names else None


def _settings(text: str) -> Iterator[_Setting]:
    """The lines, each heading among them as the first of its section."""
    section, seen = "", {"": 0}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.fullmatch(line):
            section = header[1]
            seen[section] = seen.get(section, -1) + 1
        yield _Setting(number, section, seen[section], line)


def _sets(line: str, key: str) -> bool:
    return re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line) is not None


def _mentions(line: str, key: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])[\"']?\s*[=.]", line) is not None
