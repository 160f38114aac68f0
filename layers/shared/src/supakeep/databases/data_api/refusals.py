"""What `supakeep_upsert` answers where the database does not take a row, as this package's errors."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from supakeep.databases.data_api.errors import passing_error, sql_class, without_values
from supakeep.databases.reported import Report
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

    @property
    def report(self) -> Report:
        """What PostgreSQL says."""
        return Report(self.code, self.message, self.detail, self.context)


def refusal_error(refusal: Refusal, table: Table) -> DatabaseError:
    """The error that it is: a ConstraintViolationError where it is about a single row."""
    code, name = refusal.code, table.qualified_name
    if code == _PERMISSION_DENIED:
        return _permission(refusal, table)
    passing = passing_error(code, without_values(refusal.report), name)
    if passing is not None:
        return passing
    if sql_class(code) not in _NOT_ABOUT_A_ROW:
        hint = USERS_HINT if refusal.parent == USERS_TABLE else None
        return ConstraintViolationError(
            _recorded(refusal.report),
            operation="restore",
            key=name,
            hint=hint,
            in_full=_reason(refusal),
        )
    if refusal.context:
        return _broken_code(refusal, name)
    hint = _RULES_HINT if code == _NOT_SUPPORTED and " rules" in refusal.message else None
    return DatabaseError(
        f"{name}: the database refused: {without_values(refusal.report)} ({code})",
        operation="restore",
        key=name,
        hint=hint,
        in_full=f"{name}: the database refused: {refusal.message} ({code})",
    )


def _reason(refusal: Refusal) -> str:
    place = refusal.context.splitlines()[0] if refusal.context else ""
    added = [text for text in (refusal.detail, refusal.hint, place) if text]
    return _added_to(refusal.message, "; ".join(added))


def _added_to(message: str, more: str) -> str:
    return f"{message} ({more})" if more else message


def _recorded(report: Report) -> str:
    said = report.without_values
    return said if report.place in said else f"{said} ({report.place})"


def _permission(refusal: Refusal, table: Table) -> DatabasePermissionError:
    if not refusal.permitted:
        return permission_denied(table.schema_name, table.name, writing=True)
    what = f"Permission denied while {table.qualified_name} was written: "
    return DatabasePermissionError(
        f"{what}{_recorded(refusal.report)}",
        operation="restore",
        key=table.qualified_name,
        hint="A trigger, a default or a check of the table needs this right. GRANT it to "
        "service_role, or make the function SECURITY DEFINER.",
        in_full=f"{what}{_reason(refusal)}",
    )


def _broken_code(refusal: Refusal, name: str) -> RestoreError:
    what = f"A trigger or function of {name} failed: "
    return RestoreError(
        f"{what}{_recorded(refusal.report)}",
        operation="restore",
        key=name,
        hint="The error is in the database's own code, and an INSERT or UPDATE in the SQL editor "
        "shows it too. Correct the function, or disable the trigger during the restore.",
        in_full=f"{what}{refusal.message}. PostgreSQL's context: {refusal.context}",
    )
