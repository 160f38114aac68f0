"""How the progress of a run is shown: bars on a terminal, lines elsewhere, JSON on request."""

from __future__ import annotations

import io
import json

import pytest

from supakeep.cli.options import ProgressForm
from supakeep.cli.progress import Bars, JsonLines, PlainLines, Silence, display_for
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


def terminal(screen: io.StringIO, *, width: int = 80, as_json: bool = False) -> Terminal:
    return Terminal(io.StringIO(), screen, as_json=as_json, width=width)


def lines_of(screen: Screen) -> list[str]:
    """What stands on the screen at the end: rich moves up and erases what it draws anew."""
    rows: list[str] = []
    for piece in screen.getvalue().split("\n"):
        text = piece.rsplit("\x1b[2K", 1)[-1].rsplit("\r", 1)[-1]
        rows.append("".join(_without_codes(text)).rstrip())
    return [row for row in rows if row]


def _without_codes(text: str) -> list[str]:
    shown, in_code = [], False
    for character in text:
        if character == "\x1b":
            in_code = True
        elif in_code:
            in_code = not character.isalpha()
        else:
            shown.append(character)
    return shown


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("name", ["public.t", f"public.{'long' * 20}"])
def test_a_bar_and_its_last_line_fit_the_terminal(width: int, name: str) -> None:
    screen = Screen()

    with Bars(terminal(screen, width=width)) as bars:
        bars.expect({name: 200_000_000})
        bars.table(name, 123_456_789, "running")
        bars.table(name, 123_456_789, "complete")

    assert max(map(len, lines_of(screen))) < width
    assert "123,456,789 rows  complete" in screen.getvalue()


def test_a_bar_shows_the_share_of_the_rows_that_are_expected() -> None:
    screen = Screen()

    with Bars(terminal(screen)) as bars:
        bars.expect({"public.t": 1_000})
        bars.table("public.t", 250, "running")
        [task] = bars.tasks
        assert (task.completed, task.total) == (250, 1_000)
        bars.table("public.t", 1_200, "running")
        [task] = bars.tasks
        assert (task.completed, task.total) == (1_200, 1_200)


def test_what_comes_after_progress_starts_on_an_empty_line() -> None:
    screen = Screen()

    with Bars(terminal(screen)) as bars:
        bars.table("public.t", 5, "running")
    print("error: it broke", file=screen)

    assert lines_of(screen)[-1] == "error: it broke"
    assert screen.getvalue().count("\x1b[?25l") == screen.getvalue().count("\x1b[?25h")


def test_elsewhere_only_the_end_of_a_table_is_written() -> None:
    screen = Screen(interactive=False)
    name = f"public.{'long' * 20}"

    with display_for(terminal(screen), ProgressForm.AUTO) as lines:
        lines.phase("restoring")
        lines.table(name, 5, "running")
        lines.table(name, 7, "complete")

    assert screen.getvalue() == f"Restoring ...\n  {name}            7 rows  complete\n"


def test_json_is_not_disturbed() -> None:
    screen = Screen()

    with display_for(terminal(screen, as_json=True), ProgressForm.AUTO) as lines:
        lines.expect({"public.t": 7})
        lines.phase("restoring")
        lines.table("public.t", 5, "running")
        lines.table("public.t", 7, "complete")

    assert screen.getvalue() == ""


def test_progress_as_json_is_one_object_a_line() -> None:
    screen, watch = Screen(interactive=False), Stopwatch()

    with JsonLines(terminal(screen), seconds=watch) as lines:
        lines.expect({"public.t": 1_000})
        lines.phase("exporting")
        for step in range(25):
            watch.now = step / 10
            lines.table("public.t", step, "running")
        lines.table("public.t", 1_000, "complete")
        lines.table("public.new", 3, "complete")

    assert [json.loads(line) for line in screen.getvalue().splitlines()] == [
        {"phase": "exporting"},
        {"table": "public.t", "rows": 0, "expected": 1_000, "status": "running"},
        {"table": "public.t", "rows": 10, "expected": 1_000, "status": "running"},
        {"table": "public.t", "rows": 20, "expected": 1_000, "status": "running"},
        {"table": "public.t", "rows": 1_000, "expected": 1_000, "status": "complete"},
        {"table": "public.new", "rows": 3, "status": "complete"},
    ]


@pytest.mark.parametrize(
    ("form", "interactive", "as_json", "display"),
    [
        (ProgressForm.AUTO, True, False, Bars),
        (ProgressForm.AUTO, False, False, PlainLines),
        (ProgressForm.AUTO, True, True, Silence),
        (ProgressForm.PLAIN, True, False, PlainLines),
        (ProgressForm.JSON, True, True, JsonLines),
        (ProgressForm.NONE, True, False, Silence),
    ],
)
def test_the_form_of_progress_follows_the_terminal_and_the_option(
    form: ProgressForm, display: type, *, interactive: bool, as_json: bool
) -> None:
    screen = Screen(interactive=interactive)

    assert type(display_for(terminal(screen, as_json=as_json), form)) is display


@pytest.mark.parametrize("setting", [("TERM", "dumb")])
def test_a_dumb_terminal_gets_plain_lines(
    monkeypatch: pytest.MonkeyPatch, setting: tuple[str, str]
) -> None:
    monkeypatch.setenv(*setting)

    assert type(display_for(terminal(Screen()), ProgressForm.AUTO)) is PlainLines
