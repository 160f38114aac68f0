from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.measure import BenchError, Contender, measure


def a_command(script: str) -> Contender:
    return Contender("a command", [sys.executable, "-c", script], {}, lambda: None)


def test_memory_is_that_of_the_command_and_not_of_who_measures_it(tmp_path: Path) -> None:
    ballast = b"x" * 200_000_000

    measured = measure(a_command("x = b'x' * 30_000_000"), tmp_path / "output.log", lambda: 0)

    assert 30 < measured.peak_mb < len(ballast) / 1e6


def test_a_command_that_fails_is_reported_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"(?s)a command exited with 3.*no more"):
        measure(a_command("print('no more'); exit(3)"), tmp_path / "output.log", lambda: 0)


def test_processor_time_is_told_apart_from_waiting(tmp_path: Path) -> None:
    measured = measure(a_command("import time; time.sleep(1)"), tmp_path / "output.log", lambda: 0)

    assert measured.processor_seconds < 1 <= measured.seconds
