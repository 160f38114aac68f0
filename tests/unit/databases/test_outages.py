"""How long an outage of the Data API may last, by a clock that the pauses move."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest

from supakeep.databases.data_api.client import Retries
from supakeep.databases.data_api.database import SupabaseRestDatabase
from supakeep.errors import DatabaseUnavailableError, StatementTimeoutError
from supakeep.retries import OUTAGE_SECONDS, patience
from tests.builders.rest_calls import RestCalls
from tests.builders.tables import a_selection, a_table

URL = "https://abc.supabase.co"
ORDERS = a_table("orders")
ANSWERS = {
    "supakeep_catalog": {"functions_version": 0, "server_version": "17.6", "tables": []},
    "supakeep_count": {"rows": 7},
    "supakeep_page": {
        "rows": "",
        "count": 0,
        "after": None,
        "end": True,
        "columns": [[column.name, column.type] for column in ORDERS.columns],
        "files": {"16400": 16400},
        "moment": "now",
    },
    "supakeep_upsert": {
        "inserted": 1,
        "updated": 0,
        "unchanged": 0,
        "altered": 0,
        "examples": [],
        "missing": [],
    },
    "supakeep_advance_sequences": {"advanced": [], "unfinished": []},
}
CALLS: dict[str, Callable[[RestCalls], object]] = {
    "count": lambda database: database.count(a_selection(ORDERS)),
    "export": lambda database: list(database.export(a_selection(ORDERS))),
    "upsert": lambda database: database.upsert(ORDERS, ["id"], [b'{"id":1}'], dry_run=False),
    "sequences": lambda database: database.advance_sequences(ORDERS),
}


class Project:
    """A project that is out of order for a while, and a clock that stands unless someone pauses."""

    def __init__(self, outage_seconds: float, broken: httpx.Response | httpx.HTTPError) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []
        self.requests = 0
        self.seconds_per_answer = 0
        self._over_at = self.now + outage_seconds
        self._broken = broken

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        is_over = self.now >= self._over_at
        self.now += self.seconds_per_answer
        if is_over:
            return httpx.Response(200, json=ANSWERS[request.url.path.rpartition("/")[2]])
        if isinstance(self._broken, httpx.HTTPError):
            raise self._broken
        broken = self._broken
        return httpx.Response(broken.status_code, headers=broken.headers, content=broken.content)

    def database(self) -> RestCalls:
        client = httpx.Client(transport=httpx.MockTransport(self.answer), base_url=URL)
        retries = Retries(sleep=self.sleep)
        return RestCalls(SupabaseRestDatabase(URL, "sb_secret_x", client=client, retries=retries))


Out = Callable[..., Project]


@pytest.fixture
def out(monkeypatch: pytest.MonkeyPatch) -> Out:
    """Makes a project that is out of order."""

    def make(seconds: float, broken: httpx.Response | httpx.HTTPError | None = None) -> Project:
        project = Project(seconds, broken or httpx.ConnectError("no"))
        monkeypatch.setattr(time, "monotonic", lambda: project.now)
        return project

    return make


BROKEN = {
    "nobody": httpx.ConnectError("no"),
    "bad gateway": httpx.Response(502, text="<html>no</html>"),
    "a gateway that gives up at once": httpx.Response(504, text="<html>no</html>"),
    "no connection": httpx.Response(503, json={"code": "PGRST002", "message": "no"}),
    "a page with 200": httpx.Response(200, text="<html>back soon</html>"),
    "a text with 200": httpx.Response(200, json="back soon"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("broken", BROKEN)
def test_reading_and_writing_survive_an_outage_of_a_minute(
    out: Out, call: str, broken: str
) -> None:
    project = out(60, BROKEN[broken])

    CALLS[call](project.database())

    assert project.now - 1000 < OUTAGE_SECONDS
    assert 5 < len(project.pauses) < 15


# a page is asked for in smaller ones first, since a wide one can bring a server down
@pytest.mark.parametrize("call", [call for call in CALLS if call != "export"])
def test_a_longer_outage_is_reported_in_time(out: Out, call: str) -> None:
    project = out(3600)

    with pytest.raises(DatabaseUnavailableError):
        CALLS[call](project.database())

    assert project.now - 1000 <= OUTAGE_SECONDS


def test_a_page_is_given_up_in_time_as_well(out: Out) -> None:
    project = out(3600)

    with pytest.raises(DatabaseUnavailableError, match="The database did not answer"):
        CALLS["export"](project.database())

    # as docs/architecture.md says: no new attempt after two minutes, and each lasts 75 s at most
    assert project.now - 1000 <= 120 + OUTAGE_SECONDS


def test_whoever_has_less_time_waits_less(out: Out) -> None:
    project = out(60)

    with patience(seconds=4), pytest.raises(DatabaseUnavailableError):
        project.database().count(a_selection(ORDERS))

    assert project.now - 1000 <= 4


@pytest.mark.parametrize(
    "body",
    [
        {"content": b"<html>busy</html>"},
        {"json": {"code": "PGRST001", "message": "no"}},
    ],
    ids=["gateway", "PostgREST"],
)
def test_the_pause_that_the_server_asks_for_is_kept(out: Out, body: dict[str, object]) -> None:
    busy = httpx.Response(503, headers={"retry-after": "25"}, **body)  # type: ignore[arg-type]
    project = out(25, busy)

    project.database().count(a_selection(ORDERS))

    assert project.pauses == [pytest.approx(25)]


def test_a_gateway_that_waited_for_the_answer_wants_fewer_rows_and_not_the_same_again(
    out: Out,
) -> None:
    project = out(60, httpx.Response(504, text="<html>no</html>"))
    project.seconds_per_answer = 60

    with pytest.raises(StatementTimeoutError):
        project.database().upsert(ORDERS, ["id"], [b'{"id":1}'], dry_run=False)

    assert project.requests == 1
