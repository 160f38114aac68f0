"""Shows the progress of a run on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from supakeep.cli.terminal import Terminal

_SECONDS_BETWEEN_LINES = 0.1
_NAME_WIDTH = 40


class ProgressLines:
    """One line that is redrawn, on a terminal; elsewhere one line for each finished table. When the
    context ends, the cursor is at the start of an empty line.
    """

    def __init__(self, terminal: Terminal, seconds: Callable[[], float] = time.monotonic) -> None:
        self._terminal = terminal
        self._seconds = seconds
        self._drawn_at = float("-inf")
        self._drawn = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._clear()

    def phase(self, name: str) -> None:
        if not self._terminal.as_json:
            self._end(f"{name[:1].upper()}{name[1:]} ...")

    def table(self, name: str, rows: int, status: str) -> None:
        if self._terminal.as_json:
            return
        if status != "running":
            self._end(self._line(name, rows, status))
        elif self._terminal.is_interactive:
            self._draw(self._line(name, rows, status))

    def _line(self, name: str, rows: int, status: str) -> str:
        """Cuts a long name so that the line fits the terminal."""
        rest = f" {rows:>12,} rows  {status}"
        width = max(8, min(_NAME_WIDTH, self._terminal.width - len(rest) - 3))
        short = name if len(name) <= width else f"{name[: width - 1]}…"
        return f"  {short if self._terminal.is_interactive else name:<{width}}{rest}"

    def _draw(self, line: str) -> None:
        now = self._seconds()
        if now - self._drawn_at < _SECONDS_BETWEEN_LINES:
            return
        self._drawn_at = now
        self._write(f"\r{line:<{self._drawn}}")
        self._drawn = len(line)

    def _end(self, line: str) -> None:
        self._clear()
        self._write(f"{line}\n")

    def _clear(self) -> None:
        if self._drawn:
            self._write(f"\r{'':<{self._drawn}}\r")
            self._drawn = 0

    def _write(self, text: str) -> None:
        print(text, end="", file=self._terminal.err, flush=True)
