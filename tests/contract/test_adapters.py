"""Each contract runs over each adapter of its port: a new one cannot be forgotten."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import supakeep
from supakeep.ports import ApiKeyStore, Database, ObjectStore, RunStore
from supakeep.stores.unopened import UnopenedObjectStore
from tests.contract.adapters import API_KEY_STORES, DATABASES, RUN_STORES, STORES, Adapters
from tests.contract.workbench import Workbench

HERE = Path(__file__).parent
SUITES = {
    "test_source_database.py": DATABASES,
    "test_target_database.py": DATABASES,
    "test_object_store.py": STORES,
    "test_run_store.py": RUN_STORES,
    "test_api_key_store.py": API_KEY_STORES,
}


def methods(of: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(of, callable) if not name.startswith("_")}


def implementations(port: type) -> set[type]:
    """The package's classes that have all of the port's methods."""
    found = set()
    for module in pkgutil.walk_packages(supakeep.__path__, "supakeep."):
        if module.name.endswith("__main__") or ".ports" in module.name:
            continue
        for _, made in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if made.__module__ == module.name and methods(port) <= methods(made):
                found.add(made)
    return found


@pytest.mark.parametrize(
    ("port", "adapters"),
    [
        (Database, DATABASES),
        (ObjectStore, STORES),
        (RunStore, RUN_STORES),
        (ApiKeyStore, API_KEY_STORES),
    ],
)
def test_every_adapter_of_the_package_is_held_to_its_contract(
    port: type, adapters: Adapters
) -> None:
    found = implementations(port)

    assert len(found) > 1
    # what it holds to is that nothing can be done with it
    assert found - {UnopenedObjectStore} <= set(adapters.values())


def test_the_bench_is_over_the_adapter_that_the_id_names(
    bench: Workbench, request: pytest.FixtureRequest
) -> None:
    named = DATABASES[request.node.callspec.params["bench"]]

    assert type(bench.adapter) is named


def test_every_test_of_a_contract_is_collected_for_every_adapter() -> None:
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *SUITES],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    for suite, adapters in SUITES.items():
        held_to: dict[str, set[str]] = defaultdict(set)
        tests = re.findall(rf"{suite}::(\w+)\[(.*)\]$", collected, re.MULTILINE)
        for test, parameters in tests:
            held_to[test] |= set(parameters.split("-")) & set(adapters)
        contract = {test: names for test, names in held_to.items() if names}
        assert len(contract) > 5, suite
        assert all(names == set(adapters) for names in contract.values()), contract
