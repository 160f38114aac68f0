"""The dashboard in Chromium, in front of the local stack. One stack for each engine, and one browser."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from devstack.stack import Options
from tests.browser.chromium import chromium
from tests.browser.dashboard import Dashboard
from tests.e2e.deployment import deployed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.e2e.deployment import Deployment


# the functions start cold, and the machine may be busy
expect.set_options(timeout=20_000)


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


@contextmanager
def tab(browser: Browser, supakeep: Deployment, **options: object) -> Iterator[Dashboard]:
    """A browser of its own with one tab."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)  # type: ignore[arg-type]
    context.set_default_timeout(20_000)
    opened = Dashboard(context.new_page(), supakeep)
    try:
        yield opened
        assert opened.problems == []
        assert opened.hosts <= {supakeep.stack.api_url.removeprefix("http://"), ""}
    finally:
        context.close()
