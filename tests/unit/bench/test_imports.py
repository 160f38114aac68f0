from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.imports import INTERPRETER, cost_by_package

REPORT = """\
import time: self [us] | cumulative | imported package
import time:       300 |        300 | zipimport
import time:        40 |         40 |       _socket
import time:       200 |        240 |     asyncio
import time:      1000 |       1240 |   logging_library
import time:        50 |         50 |     pathlib
import time:       500 |        550 |   supakeep.domain
import time:      2000 |       2000 |     logging_library.more
import time:        10 |       2010 |   supakeep.api
import time:         5 |       3805 | app
some line that the program itself wrote
"""


def test_a_package_costs_what_it_is_the_first_to_import() -> None:
    assert cost_by_package(REPORT) == pytest.approx(
        {"logging_library": 0.00324, "supakeep": 0.000565, INTERPRETER: 0.0003}
    )


def test_the_most_expensive_one_is_the_first() -> None:
    assert list(cost_by_package(REPORT)) == ["logging_library", "supakeep", INTERPRETER]


def test_a_real_report_is_read_to_its_last_line(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import one_library, decimal")
    (tmp_path / "one_library.py").write_text("import json")

    report = subprocess.run(
        [sys.executable, "-S", "-X", "importtime", "-c", "import app"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stderr

    costs = cost_by_package(report)
    assert costs.keys() == {INTERPRETER, "one_library", "supakeep"}
    assert all(seconds > 0 for seconds in costs.values())
