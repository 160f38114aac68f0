"""Every entry point makes Python look for garbage rarely: thousands of manifests are none."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest

from supakeep.api.runtime import Projects
from supakeep.cli.main import main


@pytest.fixture(autouse=True)
def _usual_threshold() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize(
    "start",
    [Projects.from_environment, lambda: main(["--version"])],
    ids=["function", "command"],
)
def test_python_looks_for_garbage_rarely(start: Callable[[], object]) -> None:
    start()

    assert gc.get_threshold() == (10_000, 10, 10)
