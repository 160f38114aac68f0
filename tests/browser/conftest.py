"""The dashboard in Chromium, in front of the local stack. One stack for each engine, and one browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devstack.stack import Options
from tests.browser.chromium import chromium
from tests.browser.dashboard import tab
from tests.e2e.deployment import deployed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.browser.dashboard import Dashboard
    from tests.e2e.deployment import Deployment


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.enable_socket)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def with_database_url() -> Iterator[Deployment]:
    with deployed(Options(engine="postgres")) as deployment:
        yield deployment


@pytest.fixture
def supakeep(with_database_url: Deployment) -> Iterator[Deployment]:
    """A deployment of the engine postgres, without any backup or run."""
    with with_database_url.afresh() as deployment:
        yield deployment


@pytest.fixture
def dashboard(browser: Browser, supakeep: Deployment) -> Iterator[Dashboard]:
    """A tab that nobody has signed in to; what its console reports fails the test."""
    with tab(browser, supakeep) as opened:
        yield opened
