"""Every call to the Data API goes wrong, once and for ever, in a backup and in a restore by the `rest` engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import httpx
import psycopg
import pytest

from tests.contract.conftest import Servers
from tests.faults.calls import Call, Plan
from tests.faults.cases import NAMES, cases_of
from tests.faults.http_faults import FAULTS, HttpFault
from tests.faults.matrix import MakeWorld, Matrix
from tests.faults.proof import rows_of
from tests.faults.proxy import FaultProxy
from tests.faults.rest_world import DROP, SCHEMA, DataApi, RealShop, RestWorld
from tests.faults.selection import one_of, part_of
from tests.faults.servers import MotoAws
from tests.faults.tally import SESSION
from tests.faults.use_cases import NEWEST, USE_CASES, UseCase
from tests.faults.world import World

BY_NAME = {use_case.name: use_case for use_case in USE_CASES}


def _false_backup(world: World, run: Mapping[str, str]) -> list[str]:
    """What any backup has to be, and the rows, which are those of the backup before it."""
    if run["status"] != "complete":
        return []
    wrong = BY_NAME["backup"].false_claims(world, run)
    store = world.stores["primary"]
    if not wrong and rows_of(store, run["backup"]) != rows_of(store, NEWEST):
        wrong.append(f"{run['backup']} does not have the rows of the database")
    return wrong


USES = [
    replace(BY_NAME["backup"], name="backup (rest)", false_claims=_false_backup),
    replace(BY_NAME["restore"], name="restore (rest)"),
]
# TLS compares what arrives with what was sent, which the plain HTTP of these tests does not
CASES = cases_of(USES, (fault for fault in FAULTS if fault.alters is None))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize(NAMES, part_of(CASES, metafunc.config))


@pytest.fixture(scope="module")
def shop(servers: Servers) -> Iterator[RealShop]:
    url = servers.postgres.url("supabase_admin")
    with psycopg.connect(url, autocommit=True) as owner:
        # rows are put back past the foreign keys
        owner.execute("set session_replication_role = replica")
        owner.execute(SCHEMA)
        yield RealShop(owner)
        owner.execute(DROP)


@pytest.fixture(scope="module")
def make_rest_world(
    servers: Servers, shop: RealShop, proxy: FaultProxy, aws: MotoAws, seed: Mapping[str, bytes]
) -> Iterator[MakeWorld]:
    with httpx.Client(timeout=60) as client:
        api = DataApi(servers.lite, client)
        yield lambda: RestWorld(shop, api, proxy, aws, seed)


def test_a_call_to_the_data_api_that_goes_wrong_breaks_no_promise(
    use_case: UseCase,
    fault: HttpFault,
    for_ever: bool,
    make_rest_world: MakeWorld,
    recordings: dict[str, list[Call]],
    request: pytest.FixtureRequest,
) -> None:
    matrix = Matrix(use_case, make_rest_world, SESSION, recordings)
    calls = [call for call in matrix.calls() if call.service == "data api"]
    plans = [Plan(fault, call, for_ever) for call in calls]

    broken = matrix.try_all(one_of(plans, request.node.name, request.config))

    if broken:
        pytest.fail("\n".join(broken), pytrace=False)
