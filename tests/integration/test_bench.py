"""That the benchmark runs and says what it promises; how fast anything was is no test's business."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from devstack import PROJECT

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

KEYS = {"figure", "ours", "rival", "unit", "ratio", "target", "most", "parts", "met"}
IMPORTS = [f"cold import, {name} function's handler" for name in ("backup", "restore", "prune")]


def measured(result: Path, *options: str) -> tuple[list[dict[str, Any]], str]:
    """The figures of a quick run, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--output", str(result), *options],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(result.read_text()), done.stdout


@pytest.mark.timeout(300)
def test_the_benchmark_measures_every_figure(tmp_path: Path) -> None:
    figures, printed = measured(tmp_path / "deep" / "bench.json")

    assert len(figures) == 29
    assert [figure["figure"] for figure in figures if figure["parts"]] == IMPORTS
    for figure in figures:
        assert figure.keys() == KEYS
        assert figure["unit"] in ("s", "MB")
        assert figure["ours"] > 0
        assert figure["figure"] in printed
        if figure["parts"]:
            assert {"supakeep", "pydantic", "aws_lambda_powertools"} <= figure["parts"].keys()
            continue
        if figure["figure"].endswith("thousands of backups"):
            assert (figure["rival"], figure["most"]) == (None, 20)
            continue
        assert figure["rival"] > 0
        assert math.isclose(figure["ratio"], figure["ours"] / figure["rival"], abs_tol=1e-4)


def test_the_store_of_a_benchmark_can_be_s3(tmp_path: Path) -> None:
    # what reads and writes most there; every other phase does that by the same programs
    figures, _ = measured(tmp_path / "bench.json", "--store", "s3", "--only", "many")

    names = [figure["figure"] for figure in figures]
    assert names == ["list thousands of backups", "prune thousands of backups"]
    assert all(figure["ours"] > 0 for figure in figures)
