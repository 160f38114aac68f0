"""What the terminal prints, and where."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from supakeep.domain.measures import size_text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 bytes"),
        (1023, "1,023 bytes"),
        (1024, "1.0 KiB"),
        (10 * 1024, "10 KiB"),
        (3_774_000, "3.6 MiB"),
        (45 * 1024**2, "45 MiB"),
        (3 * 1024**4, "3.0 TiB"),
        (5000 * 1024**4, "5,000 TiB"),
    ],
)
def test_a_size_is_in_the_unit_that_the_dashboard_takes(size_bytes: int, text: str) -> None:
    assert size_text(size_bytes) == text


PROGRAM = "import sys; from supakeep.cli.entry import main; sys.exit(main())"


@pytest.mark.parametrize("command", [("migration",), ("--version",), ("restore", "--help")])
def test_a_reader_that_has_gone_is_no_error(command: tuple[str, ...]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        said = running.stderr.read()

    assert said == b""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /dev/full")
@pytest.mark.parametrize("command", [("--version",), ("restore", "--help")])
def test_an_output_that_cannot_be_written_is_one_sentence(command: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM, *command],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert ended.returncode == 1
    assert ended.stderr == "error: The output could not be written: No space left on device\n"
