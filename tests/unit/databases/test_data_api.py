"""The Data API's failures, which a healthy server does not show."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from supakeep.databases.data_api.database import SupabaseRestDatabase
from supakeep.errors import (
    ConstraintViolationError,
    DatabaseError,
    DatabasePermissionError,
    DatabaseUnavailableError,
    ExportError,
    FunctionsMissingError,
    StatementTimeoutError,
    StatementTooLargeError,
)
from supakeep.no_answer import no_answer_of
from tests.builders.rest_calls import FOUR_ATTEMPTS, RestCalls
from tests.builders.tables import a_selection, a_table

URL = "https://abc.supabase.co"
ORDERS = a_table("orders")
WRITTEN = {"inserted": 2, "updated": 0, "unchanged": 0, "altered": 0, "examples": [], "missing": []}
Server = Callable[[httpx.Request], httpx.Response]


def database_over(server: Server) -> RestCalls:
    client = httpx.Client(transport=httpx.MockTransport(server), base_url=URL)
    database = SupabaseRestDatabase(URL, "sb_secret_x", client=client, retries=FOUR_ATTEMPTS)
    return RestCalls(database)


def failing(status: int, code: str, message: str = "said the server") -> RestCalls:
    body = {"code": code, "message": message, "details": None, "hint": None}
    return database_over(lambda _: httpx.Response(status, json=body))


def asked(request: httpx.Request) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(json.loads(request.read())["request"])
    return fields


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (500, "57014"),
        (500, "53300"),
        (500, "08006"),
        (500, "40001"),
        (500, "55P03"),
        (503, "PGRST000"),
        (503, "PGRST001"),
        (503, "PGRST002"),
        (504, "PGRST003"),
    ],
)
def test_a_database_that_cannot_answer_now_is_worth_another_attempt(status: int, code: str) -> None:
    with pytest.raises(DatabaseUnavailableError) as failed:
        failing(status, code).count(a_selection(ORDERS))

    assert failed.value.retryable
    assert failed.value.key == "public.orders"


@pytest.mark.parametrize(("code", "attempts"), [("55P03", 4), ("55000", 1), ("55006", 1)])
def test_a_lock_is_waited_for_and_what_waiting_cannot_mend_is_not(code: str, attempts: int) -> None:
    requests: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(500, json={"code": code, "message": "no"})

    with pytest.raises(DatabaseError):
        database_over(server).count(a_selection(ORDERS))

    assert len(requests) == attempts


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 520, 522, 524])
def test_a_gateway_that_answers_in_html_is_worth_another_attempt(status: int) -> None:
    database = database_over(lambda _: httpx.Response(status, text="<html>oops</html>"))

    with pytest.raises(DatabaseUnavailableError):
        database.catalog()


@pytest.mark.parametrize("failure", [httpx.ConnectError("no"), httpx.ReadTimeout("no")])
def test_a_server_that_is_not_there_is_reported_with_what_to_look_at(
    failure: httpx.HTTPError,
) -> None:
    def server(_: httpx.Request) -> httpx.Response:
        raise failure

    with pytest.raises(
        DatabaseUnavailableError, match=re.escape(no_answer_of(failure).reason)
    ) as failed:
        database_over(server).catalog()

    assert failed.value.hint is not None
    assert "paused" in failed.value.hint


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_gateway_that_answers_in_json_without_a_code_is_not_taken_for_a_wrong_key(
    status: int,
) -> None:
    body = {"message": "An invalid response was received from the upstream server"}

    with pytest.raises(DatabaseUnavailableError, match=f"did not answer: HTTP {status}"):
        database_over(lambda _: httpx.Response(status, json=body)).catalog()


@pytest.mark.parametrize("status", [429, 503])
def test_the_pause_that_a_gateway_asks_for_is_in_the_error(status: int) -> None:
    answer = httpx.Response(status, text="busy", headers={"Retry-After": "0.5"})
    whole = httpx.Response(status, text="busy", headers={"Retry-After": "0"})

    with pytest.raises(DatabaseUnavailableError) as failed:
        database_over(lambda _: whole).catalog()
    assert failed.value.retry_after_seconds == 0

    with pytest.raises(DatabaseUnavailableError) as failed:
        database_over(lambda _: answer).catalog()
    assert failed.value.retry_after_seconds is None


@pytest.mark.parametrize("status", [403, 404, 405])
def test_another_refusal_of_a_gateway_is_not_tried_again(status: int) -> None:
    database = database_over(lambda _: httpx.Response(status, text="<html>no</html>"))

    with pytest.raises(DatabaseError) as failed:
        database.catalog()

    assert not failed.value.retryable


@pytest.mark.parametrize(("status", "says"), [(402, "used up a quota"), (540, "project is paused")])
@pytest.mark.parametrize("body", ['{"message": "no"}', "<html>no</html>"], ids=["json", "html"])
def test_a_quota_and_a_pause_are_not_taken_for_a_wrong_key(
    status: int, says: str, body: str
) -> None:
    database = database_over(lambda _: httpx.Response(status, text=body))

    with pytest.raises(DatabaseError, match=says) as failed:
        database.catalog()

    assert type(failed.value) is DatabaseError
    assert not failed.value.retryable
    assert "dashboard" in str(failed.value.hint).lower()


@pytest.mark.parametrize(
    ("key", "bearer"),
    [("sb_secret_x", None), ("eyJhbGciOi.J9.x", "Bearer eyJhbGciOi.J9.x")],
    ids=["secret key", "JWT"],
)
def test_only_a_jwt_is_sent_as_a_bearer_token(key: str, bearer: str | None) -> None:
    sent: list[httpx.Headers] = []

    def server(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers)
        return httpx.Response(200, json={"rows": 7})

    client = httpx.Client(transport=httpx.MockTransport(server), base_url=URL)
    RestCalls(SupabaseRestDatabase(URL, key, client=client)).count(a_selection(ORDERS))

    assert sent[0]["apikey"] == key
    assert sent[0].get("authorization") == bearer


@pytest.mark.parametrize("code", ["54000", "54001", "53200"])
def test_a_statement_past_the_servers_limits_may_pass_with_fewer_rows(code: str) -> None:
    with pytest.raises(StatementTooLargeError):
        failing(500, code).count(a_selection(ORDERS))


def test_a_failure_that_passes_is_not_noticed() -> None:
    answers = iter([httpx.Response(503, text="wait"), httpx.Response(200, json={"rows": 7})])

    assert database_over(lambda _: next(answers)).count(a_selection(ORDERS)) == 7


def test_missing_functions_are_named_with_the_migration() -> None:
    with pytest.raises(FunctionsMissingError, match="are not installed") as failed:
        failing(404, "PGRST202").catalog()

    assert failed.value.hint is not None
    assert "20261125120000_supakeep.sql" in failed.value.hint


def test_functions_of_another_version_are_refused() -> None:
    catalog = {"functions_version": 1, "server_version": "17.6", "tables": []}
    database = database_over(lambda _: httpx.Response(200, json=catalog))

    with pytest.raises(FunctionsMissingError, match="are of another version"):
        database.catalog()


@pytest.mark.parametrize(
    ("status", "code"), [(401, "PGRST301"), (401, "PGRST303"), (401, ""), (401, "401")]
)
def test_a_wrong_key_is_reported_in_the_words_of_the_guide(status: int, code: str) -> None:
    with pytest.raises(DatabasePermissionError, match=r"^Permission denied: ") as failed:
        failing(status, code, "Invalid API key").catalog()

    assert failed.value.hint is not None
    assert "SUPABASE_SERVICE_ROLE_KEY" in failed.value.hint


def test_a_gateway_that_refuses_the_key_in_its_own_words_is_understood() -> None:
    """Supabase's gateway answers `{"message": …, "hint": …}`, without a code."""
    body = {"message": "Invalid API key", "hint": "Double check your API key."}

    with pytest.raises(DatabasePermissionError, match=r"^Permission denied: Invalid API key$"):
        database_over(lambda _: httpx.Response(401, json=body)).catalog()


@pytest.mark.parametrize(
    "body", [b'{"message":"said the gateway"}', b"<html>said a proxy</html>", b""]
)
@pytest.mark.parametrize(
    ("status", "error", "hint"),
    [
        (403, DatabasePermissionError, "SUPABASE_SERVICE_ROLE_KEY"),
        (404, DatabaseError, "NEXT_PUBLIC_SUPABASE_URL"),
        (413, StatementTooLargeError, "SUPABASE_DB_URL"),
    ],
)
def test_a_gateway_that_refuses_in_place_of_the_data_api_is_not_taken_for_a_wrong_key(
    status: int, error: type[DatabaseError], hint: str, body: bytes
) -> None:
    with pytest.raises(DatabaseError) as failed:
        database_over(lambda _: httpx.Response(status, content=body)).catalog()

    assert type(failed.value) is error
    assert hint in str(failed.value.hint)


def test_a_table_without_a_grant_is_reported_with_it() -> None:
    with pytest.raises(DatabasePermissionError) as failed:
        list(failing(403, "42501").export(a_selection(ORDERS)))

    assert failed.value.message == "Permission denied for table public.orders"
    assert failed.value.hint is not None
    assert 'GRANT SELECT ON "public"."orders" TO service_role;' in failed.value.hint


def test_sequences_without_a_grant_are_reported_with_it() -> None:
    table = a_table("orders", schema='odd"one')

    with pytest.raises(DatabasePermissionError) as failed:
        failing(403, "42501").advance_sequences(table)

    assert failed.value.hint is not None
    assert 'ON ALL SEQUENCES IN SCHEMA "odd""one" TO service_role;' in failed.value.hint


@pytest.mark.parametrize("code", ["23503", "23505", "23502", "23514", "22P02", "22003"])
def test_a_row_that_a_constraint_or_a_type_forbids_is_a_violation(code: str) -> None:
    with pytest.raises(ConstraintViolationError, match="said the server"):
        failing(409, code).upsert(ORDERS, ["id"], [b'{"id":1}'], dry_run=False)


@pytest.mark.parametrize("code", ["22P02", "22007"])
def test_the_same_code_on_reading_is_no_violation(code: str) -> None:
    with pytest.raises(DatabaseError) as failed:
        failing(400, code).count(a_selection(ORDERS))

    assert not isinstance(failed.value, ConstraintViolationError)
    assert not failed.value.retryable


@pytest.mark.parametrize("code", ["42P01", "PGRST205", "3F000"])
def test_a_table_that_was_dropped_meanwhile_is_reported(code: str) -> None:
    with pytest.raises(ExportError, match=r"Table public\.orders does not exist"):
        list(failing(404, code).export(a_selection(ORDERS)))


def test_rows_are_sent_as_the_text_they_are() -> None:
    sent: list[dict[str, Any]] = []

    def server(request: httpx.Request) -> httpx.Response:
        sent.append(asked(request))
        return httpx.Response(200, json=WRITTEN)

    rows = [b'{"n":9007199254740993}', b'{"n":1.10}']
    counts = database_over(server).upsert(ORDERS, ["n"], rows, dry_run=False)

    assert sent[0]["rows"] == '[{"n":9007199254740993},{"n":1.10}]'
    assert (counts.inserted, counts.updated, counts.unchanged) == (2, 0, 0)


def test_a_highest_value_that_is_not_found_in_time_comes_with_the_statement_to_run() -> None:
    statement = "select setval('public.orders_id_seq', max(id)) from public.orders;"
    answer = {"advanced": [], "unfinished": [statement]}
    database = database_over(lambda _: httpx.Response(200, json=answer))

    with pytest.raises(StatementTimeoutError) as failed:
        database.advance_sequences(ORDERS)

    assert failed.value.hint == f"Run in the SQL editor: {statement}"
