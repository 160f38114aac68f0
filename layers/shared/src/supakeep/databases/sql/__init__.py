"""SQL that both engines and the migration share, one statement or part of one per file."""

from __future__ import annotations

import re
from importlib.resources import files

_INCLUDE = re.compile(r"^-- include (\S+)\n", re.MULTILINE)


def sql_text(name: str) -> str:
    """The text of `name` (`tables.sql`, `functions/page.sql`), with what it includes in place."""
    text = files(__name__).joinpath(name).read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda found: sql_text(found[1]), text)


def sql_query(name: str) -> bytes:
    """The same, as a query that can be executed."""
    return sql_text(name).encode()
