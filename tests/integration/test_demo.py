"""`make demo` is the first command that a newcomer types."""

from __future__ import annotations

import subprocess
import sys

import pytest

from devstack import PROJECT

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]


def test_the_demo_ends_well_and_sums_up_what_it_has_shown() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "devstack.demo"],
        cwd=PROJECT, capture_output=True, text=True, check=False, timeout=150,
    )  # fmt: skip

    assert shown.returncode == 0, shown.stdout + shown.stderr
    summary = shown.stdout.rpartition("[10/10]")[2]
    assert "| drilled      | stored, readable, restorable, identical, asserted" in summary
    assert "| compared     | 14,701 rows, all identical" in summary
    assert "| brought back | a login, 32 rows and 3 files of a customer" in summary
    assert "no process is left behind" in summary
