"""What a user asserts of restored rows: named queries, from `drills.sql`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from supakeep.errors import ConfigurationError

FILE_NAME = "drills.sql"
"""Beside supakeep.toml."""

_NAME = re.compile(r"^\s*--\s*name\s*:\s*(.*?)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Assertion:
    """A query that holds where it gives no row, or one row of one column that is true."""

    name: str
    query: str


def parse_assertions(text: str, file: str) -> tuple[Assertion, ...]:
    """The assertions of a file: each query under a line `-- name: what it says`.

    Raises ConfigurationError for a query without a name, a name without a query, and a name that is
    there twice; `file` is how it is called in these.
    """
    found: dict[str, Assertion] = {}
    for line_number, name, query in _named_queries(text):
        if not name:
            raise _wrong(file, line_number, "a query has no name")
        if not _has_statement(query):
            raise _wrong(file, line_number, f"the assertion {name!r} has no query")
        if name in found:
            raise _wrong(file, line_number, f"the name {name!r} is there twice")
        found[name] = Assertion(name, query.strip().rstrip(";").rstrip())
    return tuple(found.values())


def _named_queries(text: str) -> Iterator[tuple[int, str, str]]:
    """For each query: the number of the line where it starts, its name and its text."""
    start, name, lines = 1, "", list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        if heading := _NAME.match(line):
            if name or _has_statement("\n".join(lines)):
                yield start, name, "\n".join(lines)
            start, name, lines = number, heading[1], []
            if not name:
                yield number, "", line
        else:
            lines.append(line)
    if name or _has_statement("\n".join(lines)):
        yield start, name, "\n".join(lines)


def _has_statement(query: str) -> bool:
    lines = (line.strip() for line in query.splitlines())
    return any(line and not line.startswith("--") for line in lines)


def _wrong(file: str, line: int, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{file}, line {line}: {why}",
        operation="read assertions",
        key=file,
        hint="Write each query under a line of its own such as `-- name: no negative balance`.",
    )
