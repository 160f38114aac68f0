from __future__ import annotations

import io

import pytest

from supakeep.cli.progress import ProgressLines
from supakeep.cli.terminal import Terminal


class Screen(io.StringIO):
    """Standard error, on a terminal or not."""

    def __init__(self, *, interactive: bool = True) -> None:
        super().__init__()
        self._interactive = interactive

    def isatty(self) -> bool:
        return self._interactive


class Stopwatch:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def drawn(screen: Screen) -> list[str]:
    """Each line as it was drawn, the cleared ones left out."""
    return [line for line in screen.getvalue().replace("\n", "\r").split("\r") if line.strip()]


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("name", ["public.t", f"public.{'long' * 20}"])
def test_progress_fits_the_terminal(width: int, name: str) -> None:
    screen = Screen()

    with ProgressLines(Terminal(io.StringIO(), screen, width=width), Stopwatch()) as lines:
        lines.table(name, 123_456_789, "running")
        lines.table(name, 123_456_789, "complete")

    assert len(drawn(screen)) == 2
    assert max(map(len, drawn(screen))) < width


def test_progress_is_drawn_at_most_ten_times_a_second() -> None:
    screen, watch = Screen(), Stopwatch()

    with ProgressLines(Terminal(io.StringIO(), screen, width=80), watch) as lines:
        for step in range(1000):
            watch.now = step / 1000
            lines.table("public.t", step, "running")

    assert 9 <= len(drawn(screen)) <= 10


def test_what_comes_after_progress_starts_on_an_empty_line() -> None:
    screen = Screen()

    with ProgressLines(Terminal(io.StringIO(), screen, width=80), Stopwatch()) as lines:
        lines.table("public.t", 5, "running")
    print("error: it broke", file=screen)

    assert screen.getvalue().endswith(" \rerror: it broke\n")


def test_a_table_that_is_done_takes_the_place_of_its_progress() -> None:
    screen, watch = Screen(), Stopwatch()

    with ProgressLines(Terminal(io.StringIO(), screen, width=80), watch) as lines:
        lines.table("public.a_long_name", 1_000_000, "running")
        lines.table("public.t", 5, "complete")
        lines.phase("keeping an undo copy")

    last_lines = [line.rsplit("\r", 1)[-1] for line in screen.getvalue().split("\n")]
    assert last_lines[0].split() == ["public.t", "5", "rows", "complete"]
    assert last_lines[1] == "Keeping an undo copy ..."


def test_elsewhere_only_the_end_of_a_table_is_written() -> None:
    screen = Screen(interactive=False)
    name = f"public.{'long' * 20}"

    with ProgressLines(Terminal(io.StringIO(), screen, width=80), Stopwatch()) as lines:
        lines.table(name, 5, "running")
        lines.table(name, 7, "complete")

    assert screen.getvalue() == f"  {name}            7 rows  complete\n"


def test_json_is_not_disturbed() -> None:
    screen = Screen()

    with ProgressLines(Terminal(io.StringIO(), screen, as_json=True), Stopwatch()) as lines:
        lines.phase("restoring")
        lines.table("public.t", 5, "running")
        lines.table("public.t", 7, "complete")

    assert screen.getvalue() == ""
