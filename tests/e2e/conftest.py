"""The built functions in the Lambda runtime, over a seeded Jewelshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.deployment import deployed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.deployment import Deployment


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.enable_socket)


@pytest.fixture(scope="session")
def seeded() -> Iterator[Deployment]:
    with deployed() as deployment:
        yield deployment


@pytest.fixture
def supakeep(seeded: Deployment) -> Iterator[Deployment]:
    """A deployment without any backup or run, over Jewelshot as it was seeded."""
    with seeded.afresh() as deployment:
        yield deployment
