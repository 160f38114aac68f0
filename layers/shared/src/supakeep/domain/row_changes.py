"""What a restore changes in one table, counted, with a few of the rows."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from supakeep.domain.json_text import shortened, unnamed_member

# how the member "" begins; inside a value it is only a false alarm
UNNAMED = b',"":'
MOST_SAMPLES = 5
_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
# a member of a row, up to the end of its value or the bracket that opens it
_MEMBER = re.compile(rf"\s*,?\s*({_STRING})\s*:\s*({_STRING}|[{{\[]|[^\s,{{}}\[\]\"]+)")
_BRACKET = re.compile(rf'[^"\[\]{{}}]*(?:{_STRING}[^"\[\]{{}}]*)*([\[\]{{}}])')
_END = re.compile(r"\s*}\s*")


class RestoreMode(StrEnum):
    """`merge` overwrites rows with a matching key and inserts missing ones, `missing-only` only
    inserts missing ones, `replace` also deletes rows that the backup does not have.
    """

    MERGE = "merge"
    MISSING_ONLY = "missing-only"
    REPLACE = "replace"


class ChangedRow(BaseModel):
    """One row that would be or was overwritten: its key, and per changed column old and new, as
    JSON text. Long values are cut. One without columns is no longer there.
    """

    model_config = ConfigDict(frozen=True)

    key: dict[str, str]
    columns: dict[str, tuple[str, str]]


class WholeRow(BaseModel):
    """One row that would be inserted or deleted: its key and its other values, as JSON text. Long
    values are cut.
    """

    model_config = ConfigDict(frozen=True)

    key: dict[str, str]
    columns: dict[str, str]


class RefusedRow(BaseModel):
    """A row that the database would not take; `row` holds its primary key as JSON text. `recorded` is the
    reason without values of the row.
    """

    model_config = ConfigDict(frozen=True)

    row: str
    reason: str
    recorded: str | None = Field(default=None, exclude=True)

    def as_recorded(self) -> Self:
        return self if self.recorded is None else self.model_copy(update={"reason": self.recorded})


class RowChanges:
    """Counts of one table, added up batch by batch; `was_empty` is whether it is known to have had
    no row before.

    `altered` rows are among those written, and held other values afterwards than the backup has.
    `notes` say what can be done about refused rows.
    """

    def __init__(self, *, was_empty: bool = False) -> None:
        self.was_empty = was_empty
        self.altered = 0
        self.altered_rows: list[ChangedRow] = []
        self.notes: list[str] = []
        # by column: rows that keep a value of their own, since no update can set it
        self.kept: Counter[str] = Counter()
        self.inserted = self.updated = self.deleted = self.unchanged = self.refused = 0
        self.refused_rows: list[RefusedRow] = []
        self.inserted_rows: list[WholeRow] = []
        self.updated_rows: list[ChangedRow] = []
        self.deleted_rows: list[WholeRow] = []

    def sample_inserted(
        self, key: Sequence[str], backed_up: bytes, columns: Collection[str]
    ) -> None:
        """Keeps the first few rows that were missing, of each the `columns` that are written."""
        if len(self.inserted_rows) < MOST_SAMPLES:
            self.inserted_rows.append(_whole(key, backed_up, columns))

    def sample_updated(
        self, key: Sequence[str], live: bytes, backed_up: bytes, fixed: Collection[str] = ()
    ) -> None:
        """Keeps the first few overwritten rows for the report, without the `fixed` columns."""
        if len(self.updated_rows) < MOST_SAMPLES:
            self.updated_rows.append(_difference(key, live, backed_up, fixed))

    def sample_deleted(self, key: Sequence[str], live: bytes, columns: Collection[str]) -> None:
        """Keeps the first few rows that the backup does not have."""
        if len(self.deleted_rows) < MOST_SAMPLES:
            self.deleted_rows.append(_whole(key, live, columns))

    def sample_altered(self, key: Sequence[str], backed_up: bytes, live: bytes | None) -> None:
        """Keeps the first few rows that are not as the backup has them, or not there (None)."""
        if len(self.altered_rows) < MOST_SAMPLES:
            self.altered_rows.append(_difference(key, backed_up, live or backed_up))


def _whole(key: Sequence[str], row: bytes, columns: Collection[str]) -> WholeRow:
    values = {name: shortened(token) for name, token in tokens_of(row).items()}
    return WholeRow(
        key={name: values.get(name, "null") for name in key},
        columns={name: values[name] for name in values if name in columns and name not in key},
    )


def _difference(
    key: Sequence[str], old: bytes, new: bytes, without: Collection[str] = ()
) -> ChangedRow:
    before, after = tokens_of(old), tokens_of(new)
    changed = changed_columns(old, new).difference(without)
    return ChangedRow(
        key={name: shortened(after.get(name, "null")) for name in key},
        columns={
            name: (shortened(before.get(name, "null")), shortened(token))
            for name, token in after.items()
            if name in changed
        },
    )


def tokens_of(row: bytes, wanted: Sequence[str] = ()) -> dict[str, str]:
    """A row's values as the JSON text that stands in it, digit by digit and however deep.

    It may end as soon as all `wanted` ones are there. Raises ValueError where the row is not a JSON object.
    """
    tokens, missing = {}, set(wanted)
    for name, token, _, _ in members_of(row.decode()):
        tokens[name] = token
        missing.discard(name)
        if wanted and not missing:
            break
    return tokens


def without_members(row: bytes, names: Collection[str]) -> bytes:
    """The row without these columns; all else stays as it is, byte for byte."""
    text = row.decode()
    kept, end = "", 1
    for name, token, start, end in members_of(text):
        if name in names:
            continue
        member = text[start:end]
        if not name:
            member = _without_names(member, token, names)
        is_first = not kept and start > 1
        kept += member.lstrip().removeprefix(",") if is_first else member
    return f"{text[:1]}{kept}{text[end:]}".encode()


def _without_names(member: str, token: str, names: Collection[str]) -> str:
    """The member `""`, which lists columns, without these; empty where no column is left."""
    left = _listed_without(token, names)
    return member.removesuffix(token) + left if left else ""


def _listed_without(token: str, names: Collection[str]) -> str:
    if token.startswith("["):
        listed = [name for name in re.findall(_STRING, token) if json.loads(name) not in names]
        return f"[{','.join(listed)}]" if listed else ""
    lists = {name: _listed_without(inner, names) for name, inner, _, _ in members_of(token)}
    kept = [f"{json.dumps(name)}:{inner}" for name, inner in lists.items() if inner]
    return f"{{{','.join(kept)}}}" if kept else ""


def members_of(text: str) -> Iterator[tuple[str, str, int, int]]:
    """Name and token of each member of a row, and from where to where it stands with the comma
    before it.
    """
    position = 1
    while member := _MEMBER.match(text, position):
        name, token = member[1], member[2]
        end = member.end()
        if token in ("{", "["):
            end = _end_of_nested(text, end)
            token = text[member.start(2) : end]
        yield json.loads(name) if "\\" in name else name[1:-1], token, position, end
        position = end
    if not _END.fullmatch(text, position):
        raise ValueError(f"not a row of JSON at character {position}")


def are_equal(row: bytes, other: bytes) -> bool:
    """Whether two rows have the same values, though their member `""` may have another form."""
    if row == other:
        return True
    return (UNNAMED in row or UNNAMED in other) and not changed_columns(row, other)


def changed_columns(row: bytes, other: bytes) -> set[str]:
    """The columns of which two rows have different values."""
    tokens, others = tokens_of(row), tokens_of(other)
    listed, others_listed = (unnamed_member(found.pop("", None)) for found in (tokens, others))
    names = {name for name in tokens.keys() | others.keys() if tokens.get(name) != others.get(name)}
    return names.union(*(a ^ b for a, b in zip(listed, others_listed, strict=True)))


def text_of(token: str) -> str | None:
    """A scalar's value as Postgres reads it from text; None for null."""
    if token == "null":  # noqa: S105 - a JSON token
        return None
    value = json.loads(token) if token.startswith('"') else token
    return str(value)


def _end_of_nested(text: str, position: int) -> int:
    """Where the object or array ends that is open at `position`."""
    depth = 1
    while depth:
        bracket = _BRACKET.match(text, position)
        if bracket is None:
            raise ValueError("a bracket is never closed")
        depth += 1 if bracket[1] in "{[" else -1
        position = bracket.end()
    return position
