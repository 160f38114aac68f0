"""Wrecks Jewelshot's tables as accidents do, and shows exactly whether they are as before."""

from __future__ import annotations

from typing import LiteralString

import psycopg
from psycopg import sql

TABLES = (
    "user_credits",
    "operation_costs",
    "batch_projects",
    "batch_images",
    "credit_transactions",
)

# Each touches rows that the default policy backs up: the last 10,000 transactions, 30 days of images.
ACCIDENTS: dict[str, LiteralString] = {
    "a migration set every balance to zero": "update user_credits set balance = 0",
    "a clean-up deleted 3,000 transactions": (
        "delete from credit_transactions where id in "
        "(select id from credit_transactions order by created_at desc limit 3000)"
    ),
    "two weeks of images are gone": (
        "delete from batch_images where created_at > now() - interval '14 days'"
    ),
    "projects were renamed by a wrong join": "update batch_projects set name = 'Untitled'",
    "a wrong decimal point made every operation free": "update operation_costs set cost = 0",
}


def fingerprint(database_url: str) -> dict[str, tuple[int, str]]:
    """Per table its rows and a digest over every value of every row, in Postgres's own text."""
    query = sql.SQL(
        "select count(*), coalesce(md5(string_agg(t.*::text, E'\\n' order by t.*::text)), '') "
        "from public.{} t"
    )
    with psycopg.connect(database_url) as connection:
        return {table: _one(connection, query.format(sql.Identifier(table))) for table in TABLES}


def wreck(database_url: str) -> dict[str, int]:
    """Lets every accident happen; returns how many rows each touched."""
    with psycopg.connect(database_url) as connection:
        return {what: connection.execute(how).rowcount for what, how in ACCIDENTS.items()}


def _one(connection: psycopg.Connection, query: sql.Composed) -> tuple[int, str]:
    row = connection.execute(query).fetchone()
    if row is None:
        raise LookupError("an aggregate answers one row")
    return row[0], row[1]
