"""The proxy and the servers behind it, started once, and a world for each fault."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.contract.conftest import servers
from tests.fakes.time import FixedClock
from tests.faults.calls import Call
from tests.faults.files_world import PICTURES, FilesWorld
from tests.faults.hurry import disturbable
from tests.faults.matrix import MakeWorld
from tests.faults.proof import good_backups
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.faults.secrets import SIGNING_KEY
from tests.faults.servers import MotoAws
from tests.faults.use_cases import NIGHTS, schedule
from tests.faults.world import Stores, World

__all__ = ["servers"]

HERE = Path(__file__).parent


# a test of the whole matrix tries up to two hundred faults
_EVERY_FAULT_SECONDS = 900


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            if config.getoption("--every-fault"):
                item.add_marker(pytest.mark.timeout(_EVERY_FAULT_SECONDS))
            item.add_marker("faults")
            item.add_marker("enable_socket")
            # a function that fails counts nothing else
            item.add_marker(pytest.mark.filterwarnings("ignore:No application metrics to publish"))
            # boto3 leaves a connection that broke to the garbage collection
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))


@pytest.fixture(scope="session")
def proxy() -> Iterator[FaultProxy]:
    with fault_proxy() as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def _disturbable(proxy: FaultProxy) -> Iterator[None]:
    """Only within these tests: others in the same process have their own environment."""
    with disturbable(proxy.url):
        yield


@pytest.fixture(scope="session")
def aws() -> MotoAws:
    return MotoAws()


@pytest.fixture(scope="session")
def seed(proxy: FaultProxy, aws: MotoAws) -> Mapping[str, bytes]:
    """The objects of three good backups, as the backup function makes them."""
    objects: Mapping[str, bytes] = {}
    with disturbable(proxy.url):
        for night in NIGHTS:
            at = dt.datetime.combine(night, dt.time(3, 0, 5), dt.UTC)
            world = World(proxy, aws, objects, clock=FixedClock(at, tick_seconds=0.25))
            world.invoke("backup", schedule(night))
            objects = world.stores["primary"]
            assert objects == world.stores["mirror"]
    assert len(good_backups(objects, SIGNING_KEY)) == len(NIGHTS)
    return objects


@pytest.fixture(scope="session")
def seed_with_files(proxy: FaultProxy, aws: MotoAws) -> Stores:
    """The objects of backups of a project with files: the newest one has none of the oldest one's files."""
    stores: Stores = {}
    with disturbable(proxy.url):
        for night, pictures in zip(NIGHTS, ({"old.png": b"an old picture"}, PICTURES), strict=True):
            at = dt.datetime.combine(night, dt.time(3, 0, 5), dt.UTC)
            clock = FixedClock(at, tick_seconds=0.25)
            world = FilesWorld(proxy, aws, stores, pictures=pictures, clock=clock)
            run = world.invoke("backup", schedule(night))
            assert run["status"] == "complete", run
            stores = world.stores
    return stores


@pytest.fixture
def make_world_with_files(
    proxy: FaultProxy,
    aws: MotoAws,
    seed_with_files: Stores,
    tmp_path_factory: pytest.TempPathFactory,
) -> MakeWorld:
    def make() -> World:
        folder = tmp_path_factory.mktemp("download")
        return FilesWorld(proxy, aws, seed_with_files, folder=folder)

    return make


@pytest.fixture
def make_world(
    proxy: FaultProxy,
    aws: MotoAws,
    seed: Mapping[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> MakeWorld:
    def make() -> World:
        return World(proxy, aws, seed, folder=tmp_path_factory.mktemp("download"))

    return make


@pytest.fixture(scope="session")
def recordings() -> dict[str, list[Call]]:
    return {}
