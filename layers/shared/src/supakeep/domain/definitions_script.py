"""The definitions of a backup, taken apart: what pg_dump wrote, object by object and in its order.

Only what pg_dump itself writes is understood: it heads each object with a comment that names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# what may hold text that looks like the head of an object, or like the end of a statement
_TOKEN = re.compile(
    r"""(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*'
      | '[^']*(?:''[^']*)*'
      | "[^"]*(?:""[^"]*)*"
      | (?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$
      | ^--\ Name:\ (?P<name>[^\n]*);\ Type:\ (?P<kind>[^\n;]*);\ Schema:\ (?P<schema>[^\n]*);\ Owner:[^\n]*$
      | --[^\n]*
      | /\*.*?\*/
      | (?P<end>;)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
# psql's own, of which the server knows nothing
_RESTRICT = re.compile(r"^\\restrict \S+$", re.MULTILINE)
_COMPLETE = re.compile(r"^--\n-- PostgreSQL database dump complete\n--\s*\Z", re.MULTILINE)
_UNRESTRICT = re.compile(r"^\\unrestrict \S+\s*\Z", re.MULTILINE)
# with the first of these, pg_dump begins what comes after the rows
_AFTER_ROWS = frozenset(
    {
        *("CHECK CONSTRAINT", "CONSTRAINT", "EVENT TRIGGER", "FK CONSTRAINT", "INDEX"),
        *("INDEX ATTACH", "POLICY", "PUBLICATION", "PUBLICATION TABLE", "ROW SECURITY", "RULE"),
        *("PUBLICATION TABLES IN SCHEMA", "STATISTICS", "TRIGGER"),
    }
)


def object_name(kind: str, schema: str, name: str) -> str:
    """Such as `table public.credits`; what lies in no schema has an empty one, or a dash."""
    return f"{kind.lower()} {'' if schema in ('', '-') else f'{schema}.'}{name}"


@dataclass(frozen=True)
class Definition:
    """One object as pg_dump names it, such as a `TABLE`, and the SQL that makes it."""

    kind: str
    schema: str
    name: str
    sql: str

    def __str__(self) -> str:
        return object_name(self.kind, self.schema, self.name)

    @property
    def statements(self) -> tuple[str, ...]:
        """The SQL cut at its semicolons. Not for functions, whose bodies may have some."""
        return tuple(_statements(self.sql))


@dataclass(frozen=True)
class DefinitionsScript:
    """`settings` are statements that each session needs first; the rows go between the two others."""

    settings: tuple[str, ...] = ()
    before_rows: tuple[Definition, ...] = ()
    after_rows: tuple[Definition, ...] = ()

    @property
    def definitions(self) -> tuple[Definition, ...]:
        return (*self.before_rows, *self.after_rows)


def read_script(text: str) -> DefinitionsScript:
    """Takes the script apart; what stands before the first object are the settings."""
    text = _COMPLETE.sub("", _UNRESTRICT.sub("", text))
    heads = [match for match in _TOKEN.finditer(text) if match["kind"]]
    ends = [*(head.start() for head in heads[1:]), len(text)]
    definitions = [
        Definition(head["kind"], head["schema"], head["name"], _body(text[head.end() : end]))
        for head, end in zip(heads, ends, strict=False)
    ]
    # last of all: they may fire at each of the others
    definitions.sort(key=lambda definition: definition.kind == "EVENT TRIGGER")
    first = next((n for n, d in enumerate(definitions) if d.kind in _AFTER_ROWS), len(definitions))
    preamble = _RESTRICT.sub("", text[: heads[0].start()] if heads else text)
    return DefinitionsScript(
        settings=tuple(_statements(preamble)),
        before_rows=tuple(definitions[:first]),
        after_rows=tuple(definitions[first:]),
    )


def lines_of(sql: str) -> list[str]:
    """The SQL cut at its newlines, but for those within quotes and comments."""
    within = [range(*match.span()) for match in _TOKEN.finditer(sql) if not match["end"]]
    cuts = [
        match.start()
        for match in re.finditer("\n", sql)
        if not any(match.start() in span for span in within)
    ]
    return [sql[a:b] for a, b in zip([0, *(c + 1 for c in cuts)], [*cuts, len(sql)], strict=True)]


def _body(text: str) -> str:
    """Without the frames of the comments before and after it."""
    return text.strip().removeprefix("--").removesuffix("\n--").strip()


def _statements(text: str) -> Iterator[str]:
    start = 0
    for match in _TOKEN.finditer(text):
        if match["end"]:
            yield _without_comments(text[start : match.end()])
            start = match.end()


def _without_comments(statement: str) -> str:
    """Without the lines of comment before it."""
    lines = statement.strip().splitlines()
    while lines and (not lines[0].strip() or lines[0].startswith("--")):
        lines.pop(0)
    return "\n".join(lines)
