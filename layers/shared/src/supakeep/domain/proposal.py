"""A `supakeep.toml` for a project, with the reasons as comments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from supakeep.domain.measures import size_text
from supakeep.domain.policy import DEFAULT_SCHEMA
from supakeep.domain.survey import Estimate, SurveyedTable

_WINDOW_DAYS = 90
_STORAGE = (
    "# Compressed backups take about a fifth of the space and are uploaded faster. Remove the # for that:",
    "# [storage]",
    '# compression = "zstd"',
    "",
    "# Encrypted backups are opened only by who has the private key (supakeep keygen makes one):",
    "# [encryption]",
    '# recipients = ["age1…"]',
)


def proposed_policy(tables: Sequence[SurveyedTable], estimate: Estimate) -> str:
    """The text of the file. It backs up every table that can be; what cannot be, and what is large,
    stands in it as a comment.
    """
    excluded = [table for table in tables if table.needs_key]
    others = sorted({table.schema_name for table in tables} - {DEFAULT_SCHEMA})
    lines = [
        "# What Supakeep backs up, and for how long: docs/configuration.md describes every key.",
        f"# {estimate.rows:,} rows, about {size_text(estimate.backup_bytes)} a backup.",
        "",
        *_unreadable(table for table in tables if table.problem and not table.needs_key),
        "[backup]",
        'tables = "*"',
        f"schemas = {json.dumps([DEFAULT_SCHEMA, *others], ensure_ascii=False)}",
        *_exclusions(excluded),
        "",
        *_windows(table for table in tables if table.is_large),
        *_fast(table for table in tables if table.changes_fast),
        "[retention]",
        f"keep_within_days = {estimate.keep_days}",
        "",
        *_STORAGE,
    ]
    return "\n".join(lines) + "\n"


def _unreadable(tables: Iterator[SurveyedTable]) -> Iterator[str]:
    for table in tables:
        yield f"# {_one_line(table.table)}: {_one_line(table.problem)}"
        if table.fix:
            yield f"#   {_one_line(table.fix)}"
        yield ""


def _exclusions(tables: Sequence[SurveyedTable]) -> Iterator[str]:
    if not tables:
        return
    for table in tables:
        yield f"# {_one_line(table.table)} has no primary key: add one, or set SUPABASE_DB_URL, and remove it here"
    yield f"exclude = {json.dumps([table.table for table in tables], ensure_ascii=False)}"


def _windows(tables: Iterator[SurveyedTable]) -> Iterator[str]:
    for table in sorted(tables, key=lambda table: -(table.bytes or 0)):
        yield f"# {_one_line(table.table)} is large: {table.rows or 0:,} rows, {size_text(table.bytes or 0)}."
        if table.time_column:
            yield "# To back up only its newest rows, remove the # from these lines:"
            yield "# [[table]]"
            yield f"# name = {json.dumps(table.table, ensure_ascii=False)}"
            yield f"# last_days = {_WINDOW_DAYS}"
            yield f"# time_column = {json.dumps(table.time_column, ensure_ascii=False)}"
        yield ""


def _fast(tables: Iterator[SurveyedTable]) -> Iterator[str]:
    for table in tables:
        yield (
            f"# {_one_line(table.table)} changes fast: about {table.changes_per_day or 0:,} rows a day. "
            "A backup a day may be too few."
        )
        yield ""


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
