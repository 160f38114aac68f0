"""How the `rest` engine asks for pages: in which sizes, and what it does when it is abandoned."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import closing
from typing import Any, cast

import httpx
import pytest

from supakeep.domain.plan import Selection
from supakeep.domain.policy import TablePolicy
from supakeep.domain.schema import Table
from supakeep.errors import (
    DatabaseUnavailableError,
    FunctionsMissingError,
    StatementTimeoutError,
    StatementTooLargeError,
)
from supakeep.ports import Rows
from tests.builders.tables import a_selection
from tests.unit.databases.test_data_api import ORDERS, asked, database_over, failing

FILES = {"16400": 16400}


def columns(table: Table) -> list[list[str]]:
    """As a page gives them."""
    return [[column.name, column.type] for column in table.columns]


def page(count: int, *, width: int = 10, end: bool = False) -> httpx.Response:
    """A page of `count` rows, each of `width` bytes."""
    row = '{"n":"' + "x" * (width - 8) + '"}'
    rows = {"rows": ",\n".join([row] * count), "count": count, "after": ["1"] if count else None}
    return httpx.Response(
        200,
        json={**rows, "end": end, "columns": columns(ORDERS), "files": FILES, "moment": "700"},
    )


class LimitedServer:
    """Refuses pages of more than `most` rows; remembers what it was asked for."""

    def __init__(self, most: int, code: str, pages: int = 20) -> None:
        self.most, self.code, self.left = most, code, pages
        self.limits: list[int] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        limit: int = asked(request)["limit"]
        self.limits.append(limit)
        if limit > self.most:
            return httpx.Response(500, json={"code": self.code, "message": "too much"})
        self.left -= 1
        return page(limit, end=self.left == 0)


@pytest.mark.parametrize("code", ["57014", "54000", "53200"])
def test_a_page_that_the_server_cannot_make_is_asked_for_in_smaller_ones_from_then_on(
    code: str,
) -> None:
    server = LimitedServer(most=20, code=code)

    portions = list(database_over(server).export(a_selection(ORDERS)))

    assert len(portions) == 20
    refused = [limit for limit in server.limits if limit > server.most]
    assert refused == [1000, 125]


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("57014", "takes longer than the database allows"),
        ("54000", "takes more memory than the database allows"),
        ("53200", "takes more memory than the database allows"),
    ],
)
def test_a_single_row_that_the_server_cannot_give_is_reported_as_that(code: str, what: str) -> None:
    server = LimitedServer(most=0, code=code)

    with pytest.raises((StatementTimeoutError, StatementTooLargeError)) as failed:
        list(database_over(server).export(a_selection(ORDERS)))

    assert server.limits == [1000, 125, 15, 1]
    assert f"Reading a single row of public.orders {what}" in failed.value.message
    assert failed.value.hint is not None
    assert "SUPABASE_DB_URL" in failed.value.hint


def test_pages_grow_to_the_width_of_the_rows() -> None:
    limits: list[int] = []

    def server(request: httpx.Request) -> httpx.Response:
        limits.append(asked(request)["limit"])
        return page(limits[-1], width=1000, end=len(limits) == 4)

    list(database_over(server).export(a_selection(ORDERS)))

    assert len(limits) == 4
    assert limits[0] == 1000
    assert all(3000 < limit < 3200 for limit in limits[1:])


def test_the_slices_of_a_window_are_read_one_after_the_other() -> None:
    pages: list[dict[str, Any]] = []

    def server(request: httpx.Request) -> httpx.Response:
        fields = asked(request)
        if "slice_rows" in fields:
            settled = {"bound": None, "cuts": [["1"], ["5"]], "files": FILES, "moment": "700"}
            return httpx.Response(200, json=settled)
        pages.append(fields)
        return page(2, end=True)

    selection = a_selection(ORDERS, last_rows=9, order_by="id")
    portions = list(database_over(server).export(selection))

    assert [(asked["from"], asked["until"]) for asked in pages] == [(["1"], ["5"]), (["5"], None)]
    assert sum(portion.count for portion in portions) == 4


def test_an_empty_window_is_not_looked_for() -> None:
    def server(_: httpx.Request) -> httpx.Response:
        return httpx.Response(
            200, json={"bound": None, "cuts": [], "files": FILES, "moment": "700"}
        )

    selection = a_selection(ORDERS, last_rows=9, order_by="id")

    assert list(database_over(server).export(selection)) == []


def test_a_window_that_cannot_be_cut_in_time_is_read_in_one() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        fields = asked(request)
        if "slice_rows" in fields:
            return httpx.Response(500, json={"code": "57014", "message": "too long"})
        if "last_rows" in fields:
            return httpx.Response(
                200, json={"bound": None, "cuts": None, "files": FILES, "moment": "700"}
            )
        return page(3, end=True)

    selection = a_selection(ORDERS, last_rows=9, order_by="id")
    [portion] = database_over(server).export(selection)

    assert portion.count == 3


@pytest.mark.parametrize("rows", [0, 3])
def test_rows_of_before_the_first_page_are_looked_for_afterwards(rows: int) -> None:
    moments = iter(["700", "800"])
    counted: list[dict[str, Any]] = []

    def server(request: httpx.Request) -> httpx.Response:
        if "limit" in asked(request):
            fields = {"rows": "{}" * rows, "count": rows, "after": None}
            moment = next(moments, None)
            return httpx.Response(
                200,
                json={
                    **fields,
                    "end": moment != "700" or not rows,
                    "columns": columns(ORDERS),
                    "files": FILES,
                    "moment": moment,
                },
            )
        counted.append(asked(request))
        return httpx.Response(200, json={"rows": 5})

    database = database_over(server)
    list(database.export(a_selection(ORDERS)))

    assert database.count_untouched(a_selection(ORDERS)) == 5
    assert counted[0]["untouched_since"] == "700"


def test_a_window_that_takes_too_long_is_an_error_that_names_the_missing_index() -> None:
    selection = a_selection(ORDERS, last_rows=9, order_by="created_at")

    with pytest.raises(StatementTimeoutError) as failed:
        list(failing(500, "57014").export(selection))

    assert failed.value.hint is not None
    assert 'CREATE INDEX ON "public"."orders" ("created_at");' in failed.value.hint


def test_the_next_page_is_on_its_way_while_the_caller_works_on_this_one() -> None:
    asked_for_more = threading.Event()

    def server(request: httpx.Request) -> httpx.Response:
        if "after" not in asked(request):
            return page(1)
        asked_for_more.set()
        return page(0, end=True)

    portions = database_over(server).export(a_selection(ORDERS))
    next(portions)

    assert asked_for_more.wait(5)
    assert list(portions) == []


def test_who_gives_up_does_not_wait_for_the_next_page() -> None:
    hanging = threading.Event()

    def server(request: httpx.Request) -> httpx.Response:
        if "after" in asked(request):
            hanging.wait(30)
        return page(1)

    with closing(
        cast(Generator[Rows, None, None], database_over(server).export(a_selection(ORDERS)))
    ) as portions:
        next(portions)
        began = time.monotonic()

    assert time.monotonic() - began < 5
    hanging.set()


def test_who_gives_up_ends_the_attempts_for_the_next_page() -> None:
    attempts: list[httpx.Request] = []
    failing = threading.Event()

    def server(request: httpx.Request) -> httpx.Response:
        if "after" in asked(request):
            attempts.append(request)
            failing.wait(5)
            return httpx.Response(503, json={"code": "PGRST000", "message": "no"})
        return page(1)

    before = set(threading.enumerate())
    with closing(
        cast(Generator[Rows, None, None], database_over(server).export(a_selection(ORDERS)))
    ) as portions:
        next(portions)
    failing.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)

    assert len(attempts) <= 1


def test_a_table_that_not_even_one_row_can_be_read_from_fails() -> None:
    with pytest.raises(DatabaseUnavailableError):
        list(failing(500, "57014").export(a_selection(ORDERS)))


def test_a_project_whose_functions_cannot_leave_columns_out_is_not_read() -> None:
    """An older migration knows no exclude_columns, and would give the values."""
    policy = TablePolicy(exclude_columns=("email",))
    selection = Selection(ORDERS.without(policy.excluded), policy)

    with pytest.raises(FunctionsMissingError, match="that leave columns out") as refusal:
        list(database_over(lambda _: page(1, end=True)).export(selection))

    assert "supakeep migration" in str(refusal.value.hint)
