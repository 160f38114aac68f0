from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.template.stack import Stack

ROOT = Path(__file__).parents[2]
SAM_PYTHON = ROOT / "build/sam-cli/bin/python"

MakeStack = Callable[..., Stack]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("template")


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """template.yaml as CloudFormation sees it, after SAM's transform."""
    if not SAM_PYTHON.exists():
        pytest.fail("SAM CLI is missing: run `make sam-cli` (`make test` does)")
    transformed = subprocess.run(
        [SAM_PYTHON, ROOT / "tests/template/sam_transform.py"],
        input=(ROOT / "template.yaml").read_bytes(),
        stdout=subprocess.PIPE,
        check=True,
        env=os.environ | {"AWS_DEFAULT_REGION": "eu-central-1"},
    )
    result: dict[str, Any] = json.loads(transformed.stdout)
    return result


@pytest.fixture(scope="session")
def make_stack(template: dict[str, Any]) -> MakeStack:
    """Builds a stack from parameters: what is not given has its default."""

    def make(**parameters: str) -> Stack:
        defaults = {
            name: str(parameter["Default"])
            for name, parameter in template["Parameters"].items()
            if "Default" in parameter
        }
        required = {"SupabaseUrl": "https://abcdefghijklmnopqrst.supabase.co"}
        return Stack(template, defaults | required | parameters)

    return make


@pytest.fixture(scope="session")
def stack(make_stack: MakeStack) -> Stack:
    """The stack of someone who gives nothing but the project's URL."""
    return make_stack()
