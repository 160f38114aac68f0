"""What a wheel asks for is what is deployed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import supakeep

ROOT = Path(__file__).parents[3]


def test_a_wheel_depends_on_what_the_functions_import() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "layers/shared/src/requirements.in").read_text().splitlines()
    deployed = [line for line in lines if line and not line.startswith("#")]

    assert "psycopg[binary]" in deployed
    assert sorted(project["dependencies"]) == sorted(deployed)


def test_unreleased_code_does_not_call_itself_by_a_released_version() -> None:
    released = re.findall(r"^## \[(\d.*?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert released
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev0)?", supakeep.__version__)
    unreleased = (ROOT / "CHANGELOG.md").read_text().split("## [")[1].partition("]")[2].strip()
    if unreleased:
        assert supakeep.__version__.endswith(".dev0")
        assert supakeep.__version__.removesuffix(".dev0") not in released
