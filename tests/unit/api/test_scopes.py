"""What each key is good for over HTTP, and what becomes of wrong ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from supakeep.api.access import Callers
from supakeep.api.routes import ROUTES
from supakeep.domain.api_key import ApiKey, Scope
from supakeep.domain.manifest import Trigger
from supakeep.domain.restore import RestoredTable, RestoreReport
from supakeep.domain.row_changes import WholeRow
from supakeep.domain.run import Run, RunKind, new_run_id
from supakeep.errors import StorageUnavailableError, UnauthorizedError, WrongKeysError
from supakeep.runs.in_memory_keys import InMemoryApiKeyStore
from tests.builders.api_keys import an_api_key, key_named
from tests.builders.lambda_events import ADMIN_KEY, Project, ServedProject, http_event
from tests.fakes.time import NOON
from tests.unit.api.conftest import FunctionName, Functions, LocalFunction

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

RUNS = "/api/admin/runs"
ADMIN_ROUTES = [
    (method, path, scope)
    for path, methods in ROUTES.items()
    for method, scope in methods.items()
    if path.startswith("/api/admin/")
]


def function_of(path: str) -> FunctionName:
    if path.endswith(("/prune", "/pin")):
        return "prune"
    return "backup" if path == "/api/admin/backup" else "restore"


@pytest.mark.parametrize(("method", "path", "scope"), ADMIN_ROUTES)
def test_a_route_takes_no_key_without_its_scope_and_says_which_one_is_missing(
    functions: Functions, method: str, path: str, scope: Scope
) -> None:
    function = functions(function_of(path))
    others = tuple(other for other in Scope if other not in (scope, Scope.ADMIN))
    function.project.api_keys.add(an_api_key("others", scopes=others))
    function.project.api_keys.add(an_api_key("right", scopes=(scope,)))
    path = path.replace("{name}", "latest").replace("{id}", "20261122T120000Z-1a2b3c4d")

    refused = function.request(method, path, key=key_named("others"))
    taken = function.request(method, path, key=key_named("right"))

    assert refused.status == 403
    assert refused.body == {
        "error": f"The key others lacks the scope {scope}",
        "hint": f"Use a key that has it. `supakeep keys add NAME --scope {scope}` makes one.",
    }
    assert taken.status not in (401, 403, 405, 500)


def test_every_scope_but_admin_opens_some_route() -> None:
    assert {scope for _, _, scope in ADMIN_ROUTES} | {Scope.ADMIN} == set(Scope)


def test_the_scope_admin_is_good_for_everything(functions: Functions) -> None:
    function = functions("prune")
    function.project.api_keys.add(an_api_key("chief", scopes=(Scope.ADMIN,)))

    answer = function.request(
        "POST", "/api/admin/prune", key=key_named("chief"), body={"dry_run": True}
    )

    assert answer.status == 200


@pytest.mark.parametrize("path", ["/api/admin/runs/", "/api/admin//runs", "/api/admin/nothing"])
def test_a_path_that_has_no_scope_leads_nowhere(functions: Functions, path: str) -> None:
    assert functions("restore").request("GET", path).status == 404


def test_a_key_of_the_table_does_not_open_the_cron_route(functions: Functions) -> None:
    function = functions("backup")
    function.project.api_keys.add(an_api_key("chief", scopes=(Scope.ADMIN,)))

    assert function.request("POST", "/api/cron/backup", key=key_named("chief")).status == 401


@pytest.mark.parametrize(
    "key",
    [
        an_api_key("ci", expires_at=NOON),
        an_api_key("ci").revoked(NOON - dt.timedelta(days=1)),
        an_api_key("ci", secret="another"),
    ],
)
def test_a_key_that_is_over_gets_the_answer_of_a_wrong_one(
    functions: Functions, key: ApiKey
) -> None:
    function = functions("restore")
    function.project.api_keys.add(key)

    answer = function.request("GET", RUNS, key=key_named("ci"))

    assert (answer.status, answer.body) == (401, {"error": "Unauthorized"})


def test_two_keys_are_valid_while_one_takes_the_place_of_the_other(functions: Functions) -> None:
    function = functions("restore")
    for name in ("ci-old", "ci-new"):
        function.project.api_keys.add(an_api_key(name))
    assert [
        function.request("GET", RUNS, key=key_named(n)).status for n in ("ci-old", "ci-new")
    ] == [
        200,
        200,
    ]

    function.project.api_keys.replace(an_api_key("ci-old").revoked(NOON))
    assert [
        function.request("GET", RUNS, key=key_named(n)).status for n in ("ci-old", "ci-new")
    ] == [
        401,
        200,
    ]


class Counted(InMemoryApiKeyStore):
    """Counts how often it is read, and can be out of order."""

    def __init__(self, *keys: ApiKey) -> None:
        super().__init__()
        self.reads, self.is_down = 0, False
        for key in keys:
            self.add(key)

    def list_all(self) -> Sequence[ApiKey]:
        self.reads += 1
        if self.is_down:
            raise StorageUnavailableError("DynamoDB did not answer", operation="read keys")
        return super().list_all()


class Warm:
    """An execution environment that answers one request after the other; the time is set."""

    def __init__(self, project: ServedProject) -> None:
        self.seconds = 1000.0
        self.project = project
        self._callers = Callers(lambda: self.seconds)

    def asks(self, key: str, address: str = "203.0.113.7") -> str:
        event: dict[str, Any] = http_event("GET", RUNS, key=key)
        event["requestContext"]["http"]["sourceIp"] = address
        return self._callers.identify(event, RUNS, self.project).name


@pytest.fixture
def store() -> Counted:
    return Counted(an_api_key("ci"))


@pytest.fixture
def warm(project: Project, store: Counted) -> Warm:
    served = project.served()
    served.api_keys = store
    return Warm(served)


def test_the_admin_key_needs_no_table(warm: Warm, store: Counted) -> None:
    store.is_down = True

    assert warm.asks(ADMIN_KEY) == "ADMIN_KEY"
    assert store.reads == 0


def test_keys_are_read_once_for_many_requests_and_a_revoked_one_dies_within_a_minute(
    warm: Warm, store: Counted
) -> None:
    assert [warm.asks(key_named("ci")) for _ in range(10)] == ["ci"] * 10
    assert store.reads == 1
    store.replace(an_api_key("ci").revoked(NOON))
    warm.seconds += 59

    with pytest.raises(UnauthorizedError):
        warm.asks(key_named("ci"))


def test_a_new_key_is_taken_after_seconds_and_wrong_ones_cause_few_reads(
    warm: Warm, store: Counted
) -> None:
    for number in range(100):
        with pytest.raises(UnauthorizedError):
            warm.asks("wrong", address=f"2001:db8::{number:x}")
    assert store.reads == 1
    store.add(an_api_key("new"))
    warm.seconds += 6

    assert warm.asks(key_named("new")) == "new"


def test_where_the_table_does_not_answer_no_old_knowledge_is_trusted(
    warm: Warm, store: Counted
) -> None:
    warm.asks(key_named("ci"))
    store.is_down = True
    warm.seconds += 31

    with pytest.raises(StorageUnavailableError):
        warm.asks(key_named("ci"))


def test_an_address_that_sends_wrong_keys_waits_longer_each_time(warm: Warm) -> None:
    waits = []
    for _ in range(200):
        try:
            warm.asks("wrong")
        except WrongKeysError as error:
            waits.append(error.retry_after_seconds or 0)
            warm.seconds += waits[-1]
        except UnauthorizedError:
            continue

    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) == 900


def test_nobody_is_locked_out_by_a_strangers_wrong_keys(warm: Warm) -> None:
    for _ in range(6):
        with pytest.raises((UnauthorizedError, WrongKeysError)):
            warm.asks("wrong", address="203.0.113.7")
    with pytest.raises(WrongKeysError):
        warm.asks("wrong", address="203.0.113.7")

    # also from the stranger's own address
    assert warm.asks(key_named("ci"), address="203.0.113.7") == "ci"
    assert warm.asks(ADMIN_KEY, address="203.0.113.7") == "ADMIN_KEY"
    with pytest.raises(UnauthorizedError):
        warm.asks("mistyped", address="198.51.100.1")


def test_an_address_that_was_quiet_starts_anew(warm: Warm) -> None:
    for _ in range(6):
        with pytest.raises((UnauthorizedError, WrongKeysError)):
            warm.asks("wrong")
    warm.seconds += 1000

    for _ in range(4):
        with pytest.raises(UnauthorizedError):
            warm.asks("wrong")


def test_wrong_keys_from_everywhere_fill_no_memory(warm: Warm) -> None:
    for number in range(3000):
        with pytest.raises(UnauthorizedError):
            warm.asks("wrong", address=f"2001:db8::{number:x}")

    assert len(warm._callers._wrong._tries) == 1000


def test_too_many_wrong_keys_are_answered_with_when_to_come_back(project: Project) -> None:
    served = project.served()
    requests = LocalFunction("restore", served).warm()

    answers = [requests("GET", RUNS, key="wrong") for _ in range(6)]

    assert [answer.status for answer in answers] == [401] * 5 + [429]
    last = answers[-1]
    assert last.headers["Retry-After"] == "1"
    assert last.body["error"] == last.body["message"]
    assert last.body["hint"] == "Try again after 1 s. A right key is taken at any time."


@pytest.mark.parametrize(
    ("scopes", "sees_rows"),
    [
        ((Scope.VIEW,), False),
        ((Scope.VIEW, Scope.BACKUP, Scope.PRUNE), False),
        ((Scope.VIEW, Scope.RESTORE), True),
        ((Scope.VIEW, Scope.DOWNLOAD), True),
        ((Scope.ADMIN,), True),
    ],
)
def test_only_those_who_may_read_rows_see_them_in_a_dry_run(
    functions: Functions, scopes: tuple[Scope, ...], *, sees_rows: bool
) -> None:
    function = functions("restore")
    function.project.api_keys.add(an_api_key("ci", scopes=scopes))
    row = WholeRow(key={"id": "1"}, columns={"secret": '"canary"'})
    table = RestoredTable(name="public.t", rows_in_backup=1, inserted=1, inserted_rows=(row,))
    report = RestoreReport(
        backup="backup_abc_2026-11-22",
        project="abc",
        read_from="primary",
        dry_run=True,
        tables=(table,),
    )
    run = Run(id=new_run_id(NOON), kind=RunKind.RESTORE, trigger=Trigger.API, requested_at=NOON)
    function.project.run_store.create(run.ended(NOON, report))

    one = function.request("GET", f"{RUNS}/{run.id}", key=key_named("ci"))
    some = function.request("GET", RUNS, key=key_named("ci"))

    assert one.body["result"]["tables"][0]["inserted"] == 1
    assert [("canary" in str(answer.body)) for answer in (one, some)] == [sees_rows, sees_rows]
