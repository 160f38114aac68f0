from __future__ import annotations

import logging
import os

import pytest
from hypothesis import HealthCheck, settings

from tests.builders.examples import examples

# it counts over all processes of a run, so that it must be there from the beginning
pytest_plugins = ["tests.faults.tally"]

# No deadline for a single example: the machine that runs these may be busy with other things.
# No database of past failures either: what a property finds becomes a test of its own.
settings.register_profile(
    "supakeep",
    deadline=None,
    database=None,
    max_examples=examples(40),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("supakeep")

MOST_WORKERS = 3


def pytest_xdist_auto_num_workers() -> int:
    """More than processors: a test often waits for a server, a browser or a limit of time."""
    return min(MOST_WORKERS, 2 * (os.cpu_count() or 1))


@pytest.fixture(autouse=True)
def _own_logging() -> None:
    """Logging begins as in a new process: a test or a fixture before may have run a command, which sets it."""
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("supakeep").setLevel(logging.NOTSET)
