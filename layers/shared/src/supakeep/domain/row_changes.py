"""What a restore changes in one table, counted, with a sample of the values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

_SAMPLES = 5


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


def tokens_of(row: bytes) -> dict[str, str]:
    """A row's values as the JSON text that stands in it, numbers digit by digit."""
    decoder = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_Number)
    fields: dict[str, Any] = decoder.decode(row.decode())
    return {name: _text(value) for name, value in fields.items()}


def text_of(token: str) -> str | None:
    """A scalar's value as Postgres reads it from text; None for null."""
    if token == "null":  # noqa: S105 - a JSON token
        return None
    value = json.loads(token) if token.startswith('"') else token
    return str(value)


class _Number(str):
    """A JSON number as its digits."""

    __slots__ = ()


def _text(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        inner = ",".join(
            f"{json.dumps(k, ensure_ascii=False)}:{_text(v)}" for k, v in value.items()
        )
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
