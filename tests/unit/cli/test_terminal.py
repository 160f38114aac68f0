"""What the terminal prints, and where."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from supakeep.cli.terminal import Terminal
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


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(head: tuple[str, ...], row: tuple[str, ...], width: int) -> str:
    screen = Tty()
    Terminal(screen, screen, width=width).columns(head, [row])
    return re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())


@pytest.mark.parametrize("width", [30, 40, 60])
def test_no_number_and_no_name_is_cut_short_however_narrow_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    head = ("TABLE", "ROWS", "SIZE", "STATUS", "POLICY")
    row = ("public.credit_transactions", "12,400", "3.6 MiB", "complete", "all rows")

    text = shown(head, row, width)

    assert [cell for cell in row[:3] if cell not in text] == []
    assert max(map(len, text.splitlines())) <= width


def test_a_table_that_fits_is_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")

    text = shown(("TABLE", "ROWS", "STATUS"), ("public.items", "12,400", "complete"), 40)

    assert [line.split() for line in text.splitlines()] == [
        ["TABLE", "ROWS", "STATUS"],
        ["public.items", "12,400", "complete"],
    ]


PROGRAM = "import sys; from supakeep.cli.entry import main; sys.exit(main())"


def test_a_character_that_the_output_cannot_encode_is_printed_as_its_escape() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "show", "späť", "--from", "."],
        env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"},
        check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 1
    assert "'sp\\xe4\\u0165' is not the name of a backup" in done.stderr


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
