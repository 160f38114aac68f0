"""Rules of a table that keep a restore from writing to it."""

from __future__ import annotations

from typing import LiteralString, NamedTuple

from psycopg import sql

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.sql import name_of, rows_of
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.schema import Table
from supakeep.errors import RestoreError

# The session is a replica unless the role may not set that.
_RULES: LiteralString = """
select r.rulename, case r.ev_type when '2' then 'UPDATE' when '3' then 'INSERT' else 'DELETE' end,
       r.ev_enabled = any(case when $2 then '{O,A}' else '{R,A}' end::"char"[]),
       r.is_instead and r.ev_qual::text = '<>'
  from pg_rewrite r
 where r.ev_class = $1::regclass and r.ev_type in ('2', '3', '4')
 order by r.rulename
"""


class Rule(NamedTuple):
    """`fires` is whether it applies in this session, `replaces` whether nothing else is done then."""

    name: str
    event: str
    fires: bool
    replaces: bool

    @property
    def forbids_upserts(self) -> bool:
        """Postgres takes no ON CONFLICT then; of an UPDATE rule it asks not whether it applies."""
        return self.event == "UPDATE" or (self.event == "INSERT" and self.fires)

    def swallows(self, event: str) -> bool:
        return self.event == event and self.fires and self.replaces


def check_rules(
    connection: Connection,
    table: Table,
    mode: RestoreMode,
    *,
    is_temporal: bool,
    enforces_foreign_keys: bool,
) -> None:
    """Raises RestoreError where a rule of the table would keep rows from being written or deleted."""
    name = name_of(table).as_string(connection)
    found = connection.execute(_RULES, [name, enforces_foreign_keys]).fetchall()
    rules = [Rule(*row) for row in found]
    upserts = bool(table.primary_key) and not is_temporal
    has_rows = bool(rules) and _has_rows(connection, table)
    for rule in rules:
        if rule.forbids_upserts and upserts and has_rows:
            raise _refusal(table, rule, "PostgreSQL refuses INSERT … ON CONFLICT for such a table")
        if rule.swallows("INSERT"):
            raise _refusal(table, rule, "it would be carried out in place of each insert")
        if rule.swallows("DELETE") and has_rows and mode is RestoreMode.REPLACE:
            raise _refusal(table, rule, "it would be carried out in place of each delete")


def _has_rows(connection: Connection, table: Table) -> bool:
    query = sql.SQL("select exists (select from {})").format(rows_of(table))
    row = connection.execute(query).fetchone()
    return bool(row and row[0])


def _refusal(table: Table, rule: Rule, why: str) -> RestoreError:
    name = table.qualified_name
    return RestoreError(
        f"{name} cannot be restored: it has the rule {rule.name} ON {rule.event}, and {why}",
        operation="restore",
        key=name,
        hint="Nothing was written. Drop the rule for the restore and create it again afterwards "
        "(pg_get_ruledef shows it), or leave the table out.",
    )
