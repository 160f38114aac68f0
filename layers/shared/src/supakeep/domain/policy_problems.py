"""Every problem of a `supakeep.toml`, each with its line."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from supakeep.domain.copy_policy import CopyPolicy
from supakeep.domain.policy import (
    AlarmPolicy,
    BackupPolicy,
    NamedTablePolicy,
    TablePatterns,
)
from supakeep.domain.retention_policy import RetentionPolicy
from supakeep.domain.storage_policy import EncryptionPolicy, StoragePolicy
from supakeep.domain.toml_lines import line_of

_KEYS: Mapping[str, Sequence[str]] = {
    "": tuple(field.alias or name for name, field in BackupPolicy.model_fields.items()),
    "copy": (
        *(name for name in CopyPolicy.model_fields if name != "retention"),
        *RetentionPolicy.model_fields,
    ),
    "table": tuple(NamedTablePolicy.model_fields),
    "backup": tuple(TablePatterns.model_fields),
    "retention": tuple(RetentionPolicy.model_fields),
    "alarms": tuple(AlarmPolicy.model_fields),
    "storage": tuple(StoragePolicy.model_fields),
    "encryption": tuple(EncryptionPolicy.model_fields),
}
_SYNTAX_LINE = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)$")
_WORDS = {
    "int_type": "must be a whole number, without quotes",
    "bool_type": "must be true or false, without quotes",
    "float_type": "must be a number, without quotes",
    "string_type": "must be text in quotes",
    "list_type": 'must be a list, such as ["a", "b"]',
    "tuple_type": 'must be a list, such as ["a", "b"]',
    "string_too_short": "must not be empty",
    "model_type": "must be a table of keys",
}


class ConfigurationProblem(BaseModel):
    """What is wrong with a file, or with a variable of the environment, and how to fix it. The line is
    None where there is none, or it cannot be told.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    line: int | None
    message: str
    fix: str


def policy_problems(text: str, file: str) -> list[ConfigurationProblem]:
    """All of them, in the order of their lines; only the first where the text is not TOML."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        return [_syntax_problem(str(exc), text, file)]
    found = [*_wrong_entries(content, text, file), *_doubled_tables(content, text, file)]
    return sorted(dict.fromkeys(found), key=lambda problem: problem.line or 0)


def _syntax_problem(message: str, text: str, file: str) -> ConfigurationProblem:
    place = _SYNTAX_LINE.search(message)
    last = max(1, len(text.splitlines()))
    line = int(place[1]) if place and place[1] else last
    what = _SYNTAX_LINE.sub("", message)
    return ConfigurationProblem(
        file=file,
        line=line,
        message=f"It is not valid TOML: {what[:1].lower()}{what[1:]}",
        fix="Correct this line, and check again: what follows it was not read.",
    )


def _wrong_entries(
    content: Mapping[str, Any], text: str, file: str
) -> Iterator[ConfigurationProblem]:
    try:
        BackupPolicy.model_validate(content)
    except ValidationError as exc:
        for error in exc.errors(include_url=False):
            message = error["msg"].removeprefix("Value error, ")
            if "has two [[table]] entries" in message:
                continue  # with its line below, whatever else is wrong
            loc = error["loc"]
            yield ConfigurationProblem(
                file=file,
                line=line_of(text, loc),
                message=_message(error["type"], message, loc, content),
                fix=_fix(error["type"], message, loc),
            )


def _doubled_tables(
    content: Mapping[str, Any], text: str, file: str
) -> Iterator[ConfigurationProblem]:
    entries = content.get("table")
    seen: dict[str, int] = {}
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not name:
            continue
        qualified = NamedTablePolicy(name=name).qualified_name if len(name) <= 200 else name
        first = seen.setdefault(qualified, number)
        if first != number:
            line = line_of(text, ("table", first, "name"))
            yield ConfigurationProblem(
                file=file,
                line=line_of(text, ("table", number, "name")),
                message=f"table {qualified} has an entry already"
                + (f", in line {line}" if line else ""),
                fix="Remove one of the two.",
            )


def _message(kind: str, message: str, loc: Sequence[int | str], content: Mapping[str, Any]) -> str:
    place = _place(loc, content)
    if kind == "extra_forbidden":
        return f"{place} is not a key that Supakeep knows"
    if kind == "missing":
        return f"{place} is missing"
    words = _WORDS.get(kind) or message.replace("Input should be", "must be")
    return f"{place} {words}" if place else f"{words[:1].upper()}{words[1:]}"


def _place(loc: Sequence[int | str], content: Mapping[str, Any]) -> str:
    """`last_rows of [[table]] 2 (user_credits)`."""
    if not loc:
        return ""
    section, *rest = loc
    if section in ("table", "copy") and rest and isinstance(rest[0], int):
        number = rest[0]
        name = _name_of(content, str(section), number)
        entry = f"[[{section}]] {number + 1}" + (f" ({name})" if name else "")
        return f"{rest[-1]} of {entry}" if len(rest) > 1 else entry
    if rest:
        return f"{rest[0]} of [{section}]"
    return str(section)


def _name_of(content: Mapping[str, Any], section: str, number: int) -> str | None:
    entries = content.get(section)
    entry = entries[number] if isinstance(entries, list) and number < len(entries) else None
    name = entry.get("name") if isinstance(entry, dict) else None
    return name if isinstance(name, str) else None


def _fix(kind: str, message: str, loc: Sequence[int | str]) -> str:
    if kind == "extra_forbidden":
        section = str(loc[0]) if len(loc) > 1 else ""
        known = _KEYS.get(section, ())
        nearest = difflib.get_close_matches(str(loc[-1]), known, 1)
        return f"Write {nearest[0]}." if nearest else f"Remove it; the keys are {', '.join(known)}."
    if "nothing is backed up" in message:
        return 'Add [[table]] entries, or [backup] with tables = "*".'
    return "Correct the value; docs/configuration.md describes each key with an example."
