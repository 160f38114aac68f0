"""What a restore changes in one table, counted, with a sample of the values."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

_SAMPLES = 5
_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
# a member of a row, up to the end of its value or the bracket that opens it
_MEMBER = re.compile(rf"\s*,?\s*({_STRING})\s*:\s*({_STRING}|[{{\[]|[^\s,{{}}\[\]\"]+)")
_BRACKET = re.compile(rf'[^"\[\]{{}}]*(?:{_STRING}[^"\[\]{{}}]*)*([\[\]{{}}])')
_END = re.compile(r"\s*}\s*")


class RestoreMode(StrEnum):
    """`merge` overwrites rows with a matching key and inserts missing ones, `missing-only` does the
    second alone, `replace` also deletes rows that the backup does not have.
    """

    MERGE = "merge"
    MISSING_ONLY = "missing-only"
    REPLACE = "replace"


class ChangedRow(BaseModel):
    """One row that would be or was overwritten: its key, and per changed column old and new, as
    JSON text.
    """

    model_config = ConfigDict(frozen=True)

    key: dict[str, str]
    columns: dict[str, tuple[str, str]]


class RefusedRow(BaseModel):
    """A row that the database would not take; `row` holds its primary key as JSON text."""

    model_config = ConfigDict(frozen=True)

    row: str
    reason: str


class RowChanges:
    """Counts of one table, added up batch by batch."""

    def __init__(self) -> None:
        self.inserted = self.updated = self.deleted = self.unchanged = self.refused = 0
        self.refused_rows: list[RefusedRow] = []
        self.samples: list[ChangedRow] = []

    def sample(self, key: Sequence[str], live: bytes, backed_up: bytes) -> None:
        """Keeps the first few overwritten rows for the report."""
        if len(self.samples) < _SAMPLES:
            old, new = tokens_of(live), tokens_of(backed_up)
            self.samples.append(
                ChangedRow(
                    key={name: new.get(name, "null") for name in key},
                    columns={
                        name: (old.get(name, "null"), token)
                        for name, token in new.items()
                        if old.get(name) != token
                    },
                )
            )


def tokens_of(row: bytes, wanted: Sequence[str] = ()) -> dict[str, str]:
    """A row's values as the JSON text that stands in it, digit by digit and however deep.

    It may end as soon as all `wanted` ones are there. Raises ValueError where the row is not a JSON object.
    """
    text = row.decode()
    tokens = {}
    position = 1
    while member := _MEMBER.match(text, position):
        name, token = member[1], member[2]
        end = member.end()
        if token in ("{", "["):
            end = _end_of_nested(text, end)
            token = text[member.start(2) : end]
        tokens[json.loads(name) if "\\" in name else name[1:-1]] = token
        if wanted and all(name in tokens for name in wanted):
            return tokens
        position = end
    if not _END.fullmatch(text, position):
        raise ValueError(f"not a row of JSON at character {position}")
    return tokens


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
