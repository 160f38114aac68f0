"""The built functions in the Lambda runtime, over a seeded Jewelshot."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from local.stack import Stack, local_stack
from tests.e2e.deployment import Deployment

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.enable_socket)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with local_stack() as running:
        yield running


@pytest.fixture(scope="session")
def seeded(stack: Stack) -> Iterator[Deployment]:
    with closing(Deployment(stack)) as deployment:
        deployment.reseed()
        yield deployment


@pytest.fixture
def supakeep(seeded: Deployment) -> Iterator[Deployment]:
    """A deployment without any backup or run, over Jewelshot as it was seeded."""
    seeded.forget_everything()
    yield seeded
    seeded.stack.wait_idle()
    seeded.mend()
