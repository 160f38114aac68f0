"""The connection to PostgreSQL breaks, or the process is killed, at every message of a backup, a restore
and its undo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests.builders.postgres_project import PostgresProject
from tests.contract.conftest import Servers
from tests.faults.postgres_matrix import (
    RESTORE,
    TIME_IS_UP,
    UNDO,
    USES,
    DatabaseMatrix,
    DatabaseUse,
    Seed,
)
from tests.faults.postgres_world import FILL, SCHEMA, PostgresWorld
from tests.faults.selection import one_of
from tests.faults.tcp import TcpFault, TcpFaultProxy, tcp_fault_proxy

MakeMatrix = Callable[[DatabaseUse], DatabaseMatrix]

FAULTS = [
    TcpFault("reset before"),
    TcpFault("reset after", forwarded=True),
    TcpFault("reset before, and no server any more", lasts=True),
    TcpFault("reset after, and no server any more", forwarded=True, lasts=True),
    TcpFault("session terminated", forwarded=True, breaks=False),
    TcpFault("statement cancelled", forwarded=True, breaks=False),
    TcpFault(TIME_IS_UP, forwarded=True, breaks=False),
]


@pytest.fixture(scope="module")
def project(servers: Servers) -> Iterator[PostgresProject]:
    with PostgresProject(servers.postgres) as project:
        project.sql(SCHEMA)
        yield project


@pytest.fixture(scope="module")
def tcp(servers: Servers) -> Iterator[TcpFaultProxy]:
    with tcp_fault_proxy(servers.postgres.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def former(project: PostgresProject, tcp: TcpFaultProxy) -> Seed:
    """The objects of a good backup of the night before."""
    project.sql(FILL)
    world = PostgresWorld(project, tcp)
    world.clock.advance(days=-1)
    world.back_up()
    assert len(world.whole_backups()) == 1
    return world.store.objects


@pytest.fixture(scope="module")
def make_matrix(project: PostgresProject, tcp: TcpFaultProxy, former: Seed) -> MakeMatrix:
    """The same matrix each time, which counts the messages of its use once."""
    return cache(lambda use: DatabaseMatrix(use, project, tcp, former))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("use", USES, ids=lambda use: use.name)
def test_a_connection_that_breaks_at_a_message_breaks_no_promise(
    use: DatabaseUse,
    fault: TcpFault,
    make_matrix: MakeMatrix,
    request: pytest.FixtureRequest,
) -> None:
    matrix = make_matrix(use)
    numbers = range(1, matrix.count + 1)

    broken = [
        sentence
        for number in one_of(numbers, request.node.name, request.config)
        for sentence in matrix.try_one(number, fault)
    ]

    if broken:
        pytest.fail("\n".join(broken), pytrace=False)


@pytest.mark.parametrize("forwarded", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("use", [RESTORE, UNDO], ids=lambda use: use.name)
def test_a_process_that_is_killed_at_a_message_leaves_nothing_half_applied(
    use: DatabaseUse,
    forwarded: bool,
    make_matrix: MakeMatrix,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> None:
    matrix = make_matrix(use)
    numbers = range(1, matrix.count + 1)

    broken = [
        sentence
        for number in one_of(numbers, request.node.name, request.config)
        for sentence in matrix.try_kill(
            number, tmp_path_factory.mktemp("store"), forwarded=forwarded
        )
    ]

    if broken:
        pytest.fail("\n".join(broken), pytrace=False)
