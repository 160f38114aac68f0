"""PostgreSQL servers of every release at hand, each started once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.demo.seed import seed
from devstack.processes.children import Children
from devstack.stack import Options, Stack, local_stack
from devstack.supabase.postgres import Postgres, remove_cluster, start_postgres
from tests.builders.echo_project import make_project
from tests.builders.postgres_project import PostgresProject, let_databases_be_made

# Debian's, where it is installed; the wheel has the others
_INSTALLED = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("15/bin"))]
RELEASES = ["18", "16", *_INSTALLED]


@pytest.fixture(
    scope="session", params=RELEASES, ids=lambda path: path.strip("/").split("/")[-2:][0]
)
def any_postgres(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Postgres]:
    yield from _server(tmp_path_factory.mktemp("postgres"), request.param)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    yield from _server(tmp_path_factory.mktemp("postgres"), "18")


@pytest.fixture
def any_project(any_postgres: Postgres) -> Iterator[PostgresProject]:
    """An empty database on a server of each release."""
    with PostgresProject(any_postgres) as project:
        yield project


@pytest.fixture
def project(postgres: Postgres) -> Iterator[PostgresProject]:
    """An empty database on a server of the newest release."""
    with PostgresProject(postgres) as project:
        yield project


def _server(folder: Path, version: str) -> Iterator[Postgres]:
    (folder / "logs").mkdir()
    try:
        with Children(folder / "logs") as children:
            server = start_postgres(children, folder / "cluster", version=version)
            let_databases_be_made(server)
            yield server
    finally:
        remove_cluster(folder / "cluster")


@pytest.fixture(scope="session")
def echo_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A seeded stack with the one function of `make_project`."""
    folder = tmp_path_factory.mktemp("stack")
    options = Options(
        template=make_project(folder / "project"),
        build_folder=folder / "build",
        gateway_seconds=1,
        environment={"EXTRA": "more"},
    )
    with local_stack(folder / "run", options) as running:
        seed(running.database_url)
        yield running
