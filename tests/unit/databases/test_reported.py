"""What PostgreSQL reports names tables, columns and constraints, and no value, where it is recorded."""

from __future__ import annotations

import pytest

from supakeep.databases.reported import Report

RAISED = 'PL/pgSQL function public.refuse(text) line 1 at RAISE\nSQL statement "…"'


@pytest.mark.parametrize(
    ("report", "recorded"),
    [
        (
            Report("22P02", 'invalid input syntax for type integer: "canary"'),
            'invalid input syntax for type integer: "…"',
        ),
        (
            Report("22P02", 'invalid input syntax for type integer: "can"canary"ary"'),
            'invalid input syntax for type integer: "…"',
        ),
        (
            Report("22003", 'value "canary" is out of range for type integer'),
            'value "…" is out of range for type integer',
        ),
        (
            Report("22P02", "ungültige Eingabesyntax für Typ integer: »canary«"),
            'ungültige Eingabesyntax für Typ integer: "…"',
        ),
        (
            Report("22P02", "invalid input syntax for type json", 'Token "canary" is invalid.'),
            "invalid input syntax for type json",
        ),
        (
            Report("22021", 'invalid byte sequence for encoding "UTF8": 0xe9 0x63'),
            'invalid byte sequence for encoding "…": …',
        ),
        (
            Report(
                "23505",
                'duplicate key value violates unique constraint "email_key"',
                "Key (lower(email), id)=(canary (x), 7) already exists.",
            ),
            'duplicate key value violates unique constraint "email_key" (Key (lower(email), id)=(…) already exists.)',
        ),
        (
            Report("23503", "no", 'Key (owner)=(canary) is not present in table "people".'),
            'no (Key (owner)=(…) is not present in table "people".)',
        ),
        (
            Report("23514", 'violates check constraint "c"', "Failing row contains (7, canary)."),
            'violates check constraint "c"',
        ),
        (
            Report("P0001", "canary may not be written", "canary", RAISED),
            "the database's own code refused, SQLSTATE P0001: PL/pgSQL function public.refuse(text) line 1 at RAISE",
        ),
        (
            Report("23514", "canary is no address", None, 'PL/Python function "check_it"'),
            'the database\'s own code refused, SQLSTATE 23514: PL/Python function "…"',
        ),
        (Report("42601", 'syntax error at or near "canary"'), 'syntax error at or near "…"'),
        (Report("XX000", 'parse error at "canary"', "canary"), 'parse error at "…"'),
        (Report("AB123", 'an extension says "canary"', "canary"), 'an extension says "…"'),
    ],
)  # fmt: skip
def test_no_value_of_a_row_is_recorded(report: Report, recorded: str) -> None:
    assert report.without_values == recorded
    assert "canary" in report.in_full or "»" in recorded or "encoding" in recorded


@pytest.mark.parametrize(
    "report",
    [
        Report("42P01", 'relation "public.people" does not exist'),
        Report("55006", 'database "x" is being accessed', "There are 2 other sessions."),
        Report("PGRST102", 'Empty or invalid json "people"'),
        Report("", "connection refused"),
    ],
)
def test_names_are_recorded_as_they_are(report: Report) -> None:
    assert report.without_values == report.in_full
