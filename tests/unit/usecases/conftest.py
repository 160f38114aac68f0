from __future__ import annotations

import pytest

from supakeep.domain.manifest import Manifest
from supakeep.runs.in_memory import InMemoryRunStore
from supakeep.usecases.track_runs import TrackRuns
from tests.builders.backups import a_shop, back_up
from tests.builders.manifests import place_backup
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import FixedClock
from tests.unit.usecases.pruning import days_ago

Backup = tuple[InMemoryDatabase, InMemoryObjectStore, Manifest]


@pytest.fixture
def backup() -> Backup:
    """The shop, and a backup of it in several volumes."""
    shop, store = a_shop(), InMemoryObjectStore(piece_bytes=64)
    return shop, store, back_up(shop, store, max_object_bytes=500)


@pytest.fixture
def nine_nights() -> InMemoryObjectStore:
    """Nine nightly backups, the newest of today."""
    store = InMemoryObjectStore(piece_bytes=4096)
    for days in range(9):
        place_backup(store, at=days_ago(days))
    return store


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def run_store() -> InMemoryRunStore:
    return InMemoryRunStore()


@pytest.fixture
def runs(run_store: InMemoryRunStore, clock: FixedClock) -> TrackRuns:
    return TrackRuns(run_store, clock)
