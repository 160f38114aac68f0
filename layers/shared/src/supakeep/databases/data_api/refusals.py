"""What `supakeep_upsert` answers where the database does not take a row, as this package's errors."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from supakeep.databases.data_api.errors import passing_error, sql_class
from supakeep.domain.objections import permission_denied
from supakeep.domain.schema import Table
from supakeep.errors import (
    ConstraintViolationError,
    DatabaseError,
    DatabasePermissionError,
    RestoreError,
)

USERS_TABLE = "auth.users"
USERS_HINT = (
    "Rows refer to users who are not in this project. Users (auth.users) are not part of this "
    'backup: bring them back first, then restore again (docs/restore.md, "Users first").'
)

# Classes of SQLSTATE (PostgreSQL's manual, appendix A) that say something about the statement or the
# server. All others are about a row, those that a user's own code invents included.
_NOT_ABOUT_A_ROW = frozenset(
    ("01", "02", "03", "08", "0A", "0L", "0P", "25", "26", "28", "2B", "2D", "34", "3B", "3D")
) | frozenset(("3F", "40", "42", "53", "54", "55", "57", "58", "72", "F0", "HV", "XX"))
_PERMISSION_DENIED = "42501"
_NOT_SUPPORTED = "0A000"
_RULES_HINT = (
    "Drop the rules of the table for the restore and create them again afterwards (pg_get_ruledef "
    "shows them), or leave the table out. What was written to other tables stays."
)


class Refusal(BaseModel):
    """An error that undid a batch.

    `context` is where in the user's own code it came up, such as in a trigger. `parent` is the table
    in which the row referred to is missing. `permitted` is whether the role may write the table itself.
    """

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    detail: str | None = None
    hint: str | None = None
    context: str | None = None
    parent: str | None = None
    permitted: bool = True


def refusal_error(refusal: Refusal, table: Table) -> DatabaseError:
    """The error that it is: a ConstraintViolationError where it is about a single row."""
    code, name = refusal.code, table.qualified_name
    if code == _PERMISSION_DENIED:
        return _permission(refusal, table)
    passing = passing_error(code, refusal.message, name)
    if passing is not None:
        return passing
    if sql_class(code) not in _NOT_ABOUT_A_ROW:
        hint = USERS_HINT if refusal.parent == USERS_TABLE else None
        reason = _reason(refusal)
        return ConstraintViolationError(reason, operation="restore", key=name, hint=hint)
    if refusal.context:
        return _broken_code(refusal, name)
    hint = _RULES_HINT if code == _NOT_SUPPORTED and " rules" in refusal.message else None
    return DatabaseError(
        f"{name}: the database refused: {refusal.message} ({code})",
        operation="restore",
        key=name,
        hint=hint,
    )


def _reason(refusal: Refusal) -> str:
    added = [text for text in (refusal.detail, refusal.hint, _place(refusal)) if text]
    return f"{refusal.message} ({'; '.join(added)})" if added else refusal.message


def _place(refusal: Refusal) -> str:
    """The innermost line of the context: the function and its line."""
    return refusal.context.splitlines()[0] if refusal.context else ""


def _permission(refusal: Refusal, table: Table) -> DatabasePermissionError:
    if not refusal.permitted:
        return permission_denied(table.schema_name, table.name, writing=True)
    place = f" ({_place(refusal)})" if refusal.context else ""
    return DatabasePermissionError(
        f"Permission denied while {table.qualified_name} was written: {refusal.message}{place}",
        operation="restore",
        key=table.qualified_name,
        hint="A trigger, a default or a check of the table needs this right. GRANT it to "
        "service_role, or make the function SECURITY DEFINER.",
    )


def _broken_code(refusal: Refusal, name: str) -> RestoreError:
    return RestoreError(
        f"A trigger or function of {name} failed: {refusal.message} ({_place(refusal)})",
        operation="restore",
        key=name,
        hint="The error is in the database's own code, and an INSERT or UPDATE in the SQL editor "
        "shows it too. Correct the function, or disable the trigger during the restore. "
        f"PostgreSQL's context: {refusal.context}",
    )
