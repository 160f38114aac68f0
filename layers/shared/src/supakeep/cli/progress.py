"""Shows the progress of a run on standard error."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from supakeep.cli.options import ProgressForm
from supakeep.cli.terminal import Terminal
from supakeep.domain.measures import size_text
from supakeep.ports import Progress

if TYPE_CHECKING:
    from rich.progress import Task, TaskID

_SECONDS_BETWEEN_LINES = 1.0
_NAME_WIDTH = 40


@dataclass(frozen=True)
class Measure:
    """What is counted, of what, and how an amount of it reads; the names are those of JSON lines."""

    unit: str
    of: str
    text: Callable[[int], str]


ROWS = Measure("rows", "table", lambda rows: f"{rows:,} rows")
BYTES = Measure("bytes", "object", size_text)


class Display(Progress, Protocol):
    """A progress that is shown until its context ends; the cursor is on an empty line then."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def display_for(terminal: Terminal, form: ProgressForm, measure: Measure = ROWS) -> Display:
    """Bars on a terminal, plain lines elsewhere, JSON lines or nothing, as the form says."""
    if form is ProgressForm.JSON:
        return JsonLines(terminal, measure)
    if form is ProgressForm.NONE or (form is ProgressForm.AUTO and terminal.as_json):
        return Silence()
    if form is ProgressForm.AUTO and terminal.is_interactive:
        return Bars(terminal, measure)
    return PlainLines(terminal, measure)


class Silence:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def expect(self, rows: Mapping[str, int]) -> None:
        pass

    def phase(self, name: str) -> None:
        pass

    def table(self, name: str, rows: int, status: str) -> None:
        pass


class PlainLines(Silence):
    """One line for each phase and each finished table."""

    def __init__(self, terminal: Terminal, measure: Measure = ROWS) -> None:
        self._terminal = terminal
        self._measure = measure

    def phase(self, name: str) -> None:
        self._write(f"{_sentence(name)} ...")

    def table(self, name: str, rows: int, status: str) -> None:
        if status != "running":
            self._write(f"  {name:<{_NAME_WIDTH}} {self._measure.text(rows):>17}  {status}")

    def _write(self, text: str) -> None:
        print(text, file=self._terminal.err, flush=True)


class JsonLines(Silence):
    """One JSON object a line: the start of a phase, a table at most once a second and at its end.
    `expected` is missing where it is not known.
    """

    def __init__(
        self,
        terminal: Terminal,
        measure: Measure = ROWS,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._terminal = terminal
        self._measure = measure
        self._seconds = seconds
        self._written_at = float("-inf")
        self._expected: Mapping[str, int] = {}

    def expect(self, rows: Mapping[str, int]) -> None:
        self._expected = rows

    def phase(self, name: str) -> None:
        self._write({"phase": name})

    def table(self, name: str, rows: int, status: str) -> None:
        now = self._seconds()
        if status == "running" and now - self._written_at < _SECONDS_BETWEEN_LINES:
            return
        self._written_at = now
        fields: dict[str, object] = {self._measure.of: name, self._measure.unit: rows}
        if name in self._expected:
            fields["expected"] = self._expected[name]
        self._write({**fields, "status": status})

    def _write(self, fields: Mapping[str, object]) -> None:
        print(json.dumps(fields, ensure_ascii=False), file=self._terminal.err, flush=True)


class Bars:
    """A bar for the table at work, with its rows, rate and time left; a finished table leaves a line."""

    def __init__(self, terminal: Terminal, measure: Measure = ROWS) -> None:
        from rich.progress import (
            BarColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[rows]}", justify="right", markup=False),
            TimeRemainingColumn(compact=True),
            console=terminal.console(terminal.err),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._width = terminal.width
        self._measure = measure
        self._tasks: dict[str, TaskID] = {}
        self._expected: Mapping[str, int] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def expect(self, rows: Mapping[str, int]) -> None:
        self._expected = rows

    def phase(self, name: str) -> None:
        self._forget_all()
        self._print(f"{_sentence(name)} ...", "bold")

    def table(self, name: str, rows: int, status: str) -> None:
        if status == "running":
            self._move(name, rows)
            return
        self._forget(name)
        colour = {"complete": "green", "failed": "red"}.get(status, "")
        amount = self._measure.text(rows)
        self._print(f"  {self._short(name):<{self._name_width}} {amount:>17}  {status}", colour)

    @property
    def tasks(self) -> Sequence[Task]:
        """The bars that are drawn."""
        return self._bars.tasks

    @property
    def _name_width(self) -> int:
        return max(8, min(_NAME_WIDTH, self._width - 32))

    def _short(self, name: str) -> str:
        width = self._name_width
        return name if len(name) <= width else f"{name[: width - 1]}…"

    def _move(self, name: str, rows: int) -> None:
        total = self._expected.get(name)
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(self._short(name), total=total, rows="")
        task = self._tasks[name]
        # a table that has grown shows no more than all of it
        known = None if total is None else max(total, rows)
        speed = self._bars.tasks[self._bars.task_ids.index(task)].speed
        rate = f" {self._rate(speed)}/s" if speed else ""
        amount = self._measure.text(rows)
        self._bars.update(task, completed=rows, total=known, rows=f"{amount}{rate}")

    def _rate(self, speed: float) -> str:
        """The amount of a second, without the unit where that is in the name of the measure."""
        return self._measure.text(round(speed)).removesuffix(f" {self._measure.unit}")

    def _forget(self, name: str) -> None:
        if name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))

    def _forget_all(self) -> None:
        for name in list(self._tasks):
            self._forget(name)

    def _print(self, text: str, style: str) -> None:
        self._bars.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _sentence(phase: str) -> str:
    return f"{phase[:1].upper()}{phase[1:]}"
