"""What an error that undid a batch is: about one row, about the user's code, or about the server."""

from __future__ import annotations

import pytest

from supakeep.databases.data_api.refusals import Refusal, refusal_error
from supakeep.errors import (
    ConstraintViolationError,
    DatabaseError,
    DatabasePermissionError,
    DatabaseUnavailableError,
    RestoreError,
    StatementTooLargeError,
)
from tests.builders.tables import a_table

ORDERS = a_table("orders")
IN_A_TRIGGER = "PL/pgSQL function public.touch() line 3 at assignment\nSQL statement ..."


@pytest.mark.parametrize("context", [None, IN_A_TRIGGER])
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("23503", ConstraintViolationError),
        ("22P02", ConstraintViolationError),
        ("21000", ConstraintViolationError),
        ("44000", ConstraintViolationError),
        ("P0001", ConstraintViolationError),
        ("P0004", ConstraintViolationError),
        ("PT402", ConstraintViolationError),
        ("U0001", ConstraintViolationError),
        ("40P01", DatabaseUnavailableError),
        ("55P03", DatabaseUnavailableError),
        ("54000", StatementTooLargeError),
        ("53200", StatementTooLargeError),
        ("42501", DatabasePermissionError),
    ],
)
def test_the_code_decides(code: str, error: type[DatabaseError], context: str | None) -> None:
    refusal = Refusal(code=code, message="no", context=context)

    assert type(refusal_error(refusal, ORDERS)) is error


@pytest.mark.parametrize("code", ["42P01", "42883", "42704", "42703", "55000", "0A000"])
def test_what_is_wrong_in_the_users_code_names_the_place(code: str) -> None:
    error = refusal_error(Refusal(code=code, message="no", context=IN_A_TRIGGER), ORDERS)

    assert type(error) is RestoreError
    assert "public.touch() line 3" in error.message
    assert error.key == "public.orders"
    assert "dropped" not in f"{error.message} {error.hint}"


def test_what_is_refused_outside_of_it_is_reported_with_its_code() -> None:
    error = refusal_error(Refusal(code="428C9", message="no value may be given"), ORDERS)

    assert type(error) is DatabaseError
    assert "(428C9)" in error.message


def test_a_reason_has_the_detail_the_hint_and_the_place() -> None:
    refusal = Refusal(
        code="P0001", message="closed", detail="since May", hint="reopen it", context=IN_A_TRIGGER
    )

    error = refusal_error(refusal, ORDERS)

    assert error.in_full == (
        "closed (since May; reopen it; PL/pgSQL function public.touch() line 3 at assignment)"
    )
    assert error.message == (
        "the database's own code refused, SQLSTATE P0001: PL/pgSQL function public.touch() line 3 at "
        "assignment"
    )


@pytest.mark.parametrize(("parent", "has_hint"), [("auth.users", True), ("public.users", False)])
def test_only_a_missing_user_comes_with_how_to_bring_users_back(
    parent: str, has_hint: bool
) -> None:
    error = refusal_error(Refusal(code="23503", message="no", parent=parent), ORDERS)

    assert bool(error.hint) is has_hint


def test_the_tables_own_missing_grant_is_the_guides_error() -> None:
    refusal = Refusal(code="42501", message="permission denied for table orders", permitted=False)

    error = refusal_error(refusal, ORDERS)

    assert error.message == "Permission denied for table public.orders"
    assert "GRANT SELECT, INSERT, UPDATE" in str(error.hint)
