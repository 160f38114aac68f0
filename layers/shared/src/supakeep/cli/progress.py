"""Shows on standard error how far a run is."""

from __future__ import annotations

from supakeep.cli.terminal import Terminal


class ProgressLines:
    """A line that grows on a terminal; elsewhere only each table's end."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def phase(self, name: str) -> None:
        if not self._terminal.as_json:
            print(f"{name[:1].upper()}{name[1:]} ...", file=self._terminal.err)

    def table(self, name: str, rows: int, status: str) -> None:
        done = status != "running"
        if self._terminal.as_json or not (done or self._terminal.is_interactive):
            return
        start = "\r" if self._terminal.is_interactive else ""
        print(
            f"{start}  {name:<40} {rows:>12,} rows  {status:<9}",
            end="\n" if done else "",
            file=self._terminal.err,
        )
