"""A project that is written through the Data API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from supakeep.databases.data_api.catalog import read_catalog
from supakeep.databases.data_api.client import DataApiClient, named
from supakeep.databases.data_api.errors import no_answer
from supakeep.databases.data_api.refusals import Refusal, refusal_error
from supakeep.databases.data_api.writer import UpsertCounts
from supakeep.domain.schema import Catalog, Table, quoted_identifier
from supakeep.errors import DatabasePermissionError, StatementTimeoutError


class _Answer(BaseModel):
    # an answer that is not understood may hold rows
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class _Example(_Answer):
    """A row as it was given and as it is in the database now, as JSON texts."""

    given: str
    live: str

    def as_bytes(self) -> tuple[bytes, bytes]:
        return self.given.encode(), self.live.encode()


class _Written(_Answer):
    inserted: int
    updated: int
    unchanged: int
    altered: int
    examples: tuple[_Example, ...]
    # from 1
    missing: tuple[int, ...]


class _Refused(_Answer):
    refused: Refusal


class _Advanced(_Answer):
    advanced: tuple[str, ...]
    unfinished: tuple[str, ...]


_UPSERTED: TypeAdapter[_Written | _Refused] = TypeAdapter(_Written | _Refused)
_ADVANCED = TypeAdapter(_Advanced)
T = TypeVar("T")


class DataApiTarget:
    """A project as a BatchDatabase."""

    def __init__(self, client: DataApiClient) -> None:
        self._client = client

    def catalog(self) -> Catalog:
        return read_catalog(self._client)

    def upsert(
        self, table: Table, columns: Sequence[str], rows: Sequence[bytes], *, dry_run: bool
    ) -> UpsertCounts:
        answer = self._upsert(table, columns, rows, dry_run=dry_run)
        if isinstance(answer, _Refused):
            raise refusal_error(answer.refused, table)
        return UpsertCounts(
            answer.inserted,
            answer.updated,
            answer.unchanged,
            answer.altered,
            [example.as_bytes() for example in answer.examples],
            [rows[position - 1] for position in answer.missing],
        )

    def _upsert(
        self, table: Table, columns: Sequence[str], rows: Sequence[bytes], *, dry_run: bool
    ) -> _Written | _Refused:
        request = {
            **named(table),
            "key": table.primary_key,
            "text_columns": _compared_as_text(table),
            "columns": columns,
            # the rows stay text all the way to Postgres: no number in them is read on the way
            "rows": (b"[" + b",".join(rows) + b"]").decode(),
            "dry_run": dry_run,
        }
        answer = self._client.call(
            "supakeep_upsert", request, table, writing=True, repeat_timeouts=False
        )
        return _validated(_UPSERTED, answer, "supakeep_upsert", table)

    def advance_sequences(self, table: Table) -> Sequence[str]:
        """Raises StatementTimeoutError where the highest value could not be found in time."""
        try:
            answer = self._client.call(
                "supakeep_advance_sequences", named(table), table, writing=True
            )
        except DatabasePermissionError as exc:
            exc.hint = (
                "Run in the SQL editor: GRANT SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA "
                f"{quoted_identifier(table.schema_name)} TO service_role;"
            )
            raise
        done = _validated(_ADVANCED, answer, "supakeep_advance_sequences", table)
        if done.unfinished:
            raise StatementTimeoutError(
                "Finding the highest value took too long",
                operation="restore",
                key=table.qualified_name,
                hint=f"Run in the SQL editor: {' '.join(done.unfinished)}",
            )
        return list(done.advanced)

    def count_table(self, table: Table) -> int:
        rows: int = self._client.call("supakeep_count", named(table), table)["rows"]
        return rows


def _compared_as_text(table: Table) -> tuple[str, ...]:
    """Columns of which two values may differ that have the same JSON: arrays by their lower bounds,
    and JSON's null from the absence of a value.
    """
    return (
        *(*table.text_columns, *table.array_columns),
        *(*table.json_columns, *table.jsonb_columns),
    )


def _validated(expected: TypeAdapter[T], answer: object, function: str, table: Table) -> T:
    try:
        return expected.validate_python(answer)
    except ValidationError as exc:
        raise no_answer(function, "something other than its function", table) from exc
