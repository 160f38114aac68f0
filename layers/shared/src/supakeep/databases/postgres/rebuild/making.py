"""Makes one definition, and says why where PostgreSQL does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import psycopg
from psycopg import errors

from supakeep.databases.postgres.connection import Connection
from supakeep.databases.postgres.errors import is_lost, report_of
from supakeep.domain.definitions_script import Definition
from supakeep.domain.rebuild import NotRebuilt, Outcome, RefusedByRows

_THERE = (
    errors.DuplicateTable,
    errors.DuplicateObject,
    errors.DuplicateFunction,
    errors.DuplicateSchema,
    errors.DuplicateColumn,
)
# by kind, how PostgreSQL says that of what has no name, or only one of its kind
_THERE_BY_KIND = {
    "CONSTRAINT": errors.InvalidTableDefinition,  # a second primary key
    "TABLE ATTACH": errors.WrongObjectType,
    "INDEX ATTACH": errors.WrongObjectType,
}
_GRANTS = frozenset({"ACL", "DEFAULT ACL"})
# Supabase's own role; a project's owner may not change what it grants
_SUPABASES_ROLE = "supabase_admin"
_NOT_OURS = ("SCHEMA public", "EXTENSION ")

Made = tuple[Outcome, list[NotRebuilt]]


def begin_script(connection: Connection, settings: Sequence[str]) -> None:
    """Runs the statements that a script of definitions begins with. Raises psycopg.Error."""
    for statement in settings:
        # a newer pg_dump may name a setting that this server does not know
        with suppress(errors.UndefinedObject):
            connection.execute(statement.encode())


def make(connection: Connection, definition: Definition) -> Made:
    """Runs its SQL within the transaction that the connection is in. Raises psycopg.Error where the
    connection is lost; every other refusal is returned.
    """
    refusal = _refusal(connection, definition.sql)
    if refusal is None:
        return Outcome.MADE, []
    if definition.kind in _GRANTS:
        return _one_by_one(connection, definition)
    if _is_there(definition, refusal) or _is_supabases(definition):
        return Outcome.THERE, []
    if isinstance(refusal, errors.ForeignKeyViolation) and definition.kind == "FK CONSTRAINT":
        return _not_validated(connection, definition, refusal)
    return Outcome.FAILED, [_problem(str(definition), refusal)]


def _refusal(connection: Connection, sql: str) -> psycopg.Error | None:
    """Why the server did not run it: all of it, or nothing."""
    try:
        with connection.transaction():
            connection.execute(sql.encode())
    except psycopg.Error as exc:
        if is_lost(exc):
            raise
        return exc
    return None


def _one_by_one(connection: Connection, definition: Definition) -> Made:
    """Grants, of which one may name a role that is not there."""
    problems = []
    for statement in definition.statements:
        if _SUPABASES_ROLE in statement:
            continue
        refusal = _refusal(connection, statement)
        if refusal is not None:
            problems.append(_problem(f"{definition}: {statement.rstrip(';')}", refusal))
    return (Outcome.FAILED if problems else Outcome.MADE), problems


def _is_there(definition: Definition, refusal: psycopg.Error) -> bool:
    by_kind = _THERE_BY_KIND.get(definition.kind)
    return isinstance(refusal, _THERE) or (by_kind is not None and isinstance(refusal, by_kind))


def _is_supabases(definition: Definition) -> bool:
    """A comment on what belongs to Supabase, which its owner has made."""
    return definition.kind == "COMMENT" and definition.name.startswith(_NOT_OURS)


def _not_validated(connection: Connection, definition: Definition, refusal: psycopg.Error) -> Made:
    """The foreign key for new rows, where old ones refer to rows that no backup holds."""
    name = str(definition)
    refused = [_refusal(connection, sql) for sql in _for_new_rows(definition)]
    if others := [exc for exc in refused if exc is not None]:
        return Outcome.FAILED, [_problem(name, others[0])]
    why = f"it is NOT VALID: {_reason(refusal)}"
    hint = "Bring the missing rows back or delete those that refer to them; then ALTER TABLE … VALIDATE CONSTRAINT."
    problem = RefusedByRows(what=name, why=why, hint=hint, rule=_rule(refusal))
    return Outcome.MADE, [problem]


def _for_new_rows(definition: Definition) -> Iterator[str]:
    for statement in definition.statements:
        is_key = "FOREIGN KEY" in statement
        yield f"{statement.rstrip(';')} NOT VALID" if is_key else statement


def _problem(what: str, refusal: psycopg.Error) -> NotRebuilt:
    why, hint = _reason(refusal), _hint(refusal)
    if isinstance(refusal, psycopg.IntegrityError):
        return RefusedByRows(what=what, why=why, hint=hint, rule=_rule(refusal))
    return NotRebuilt(what=what, why=why, hint=hint)


def _reason(refusal: psycopg.Error) -> str:
    """With the values of rows that violate a constraint, for whoever rebuilds. Whatever else is refused, a drill
    records it in the same words.
    """
    report = report_of(refusal)
    is_violation = isinstance(refusal, psycopg.IntegrityError)
    return report.in_full if is_violation else report.without_values


def _rule(refusal: psycopg.Error) -> str:
    """What it violates, without any value."""
    return report_of(refusal)._replace(detail=None).without_values


def _hint(refusal: psycopg.Error) -> str | None:
    reason = refusal.diag.message_primary or ""
    if isinstance(refusal, errors.UndefinedObject) and reason.startswith("role "):
        return (
            f"Run CREATE {reason.removesuffix(' does not exist')}, and rebuild again with --merge."
        )
    if isinstance(refusal, (errors.FeatureNotSupported, errors.UndefinedFile)):
        return (
            "Enable the extension in the new project (dashboard, Database, Extensions), and rebuild "
            "again with --merge."
        )
    if isinstance(refusal, errors.InsufficientPrivilege):
        return "The role may not make it. In a Supabase project, ask its support, or do without."
    return refusal.diag.message_hint
