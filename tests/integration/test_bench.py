"""That the benchmark runs and says what it promises; how fast anything was is no test's business."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from devstack import PROJECT

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

KEYS = {"figure", "ours", "rival", "unit", "ratio", "target", "most", "parts", "met"}
IMPORTS = [f"cold import, {name} function's handler" for name in ("backup", "restore", "prune")]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("store", ["folder", "s3"])
def test_the_benchmark_measures_every_figure(store: str, tmp_path: Path) -> None:
    result = tmp_path / "deep" / "bench.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--store", store, "--output", str(result)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(result.read_text())
    assert len(figures) == 24
    assert [figure["figure"] for figure in figures if figure["parts"]] == IMPORTS
    for figure in figures:
        assert figure.keys() == KEYS
        assert figure["unit"] in ("s", "MB")
        assert figure["ours"] > 0
        assert figure["figure"] in done.stdout
        if figure["parts"]:
            assert {"supakeep", "pydantic", "aws_lambda_powertools"} <= figure["parts"].keys()
            continue
        if figure["figure"].endswith("thousands of backups"):
            assert (figure["rival"], figure["most"]) == (None, 20)
            continue
        assert figure["rival"] > 0
        assert math.isclose(figure["ratio"], figure["ours"] / figure["rival"], abs_tol=1e-4)
