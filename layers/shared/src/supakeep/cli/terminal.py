"""What the command line prints with: results on standard output, progress and errors on standard
error.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from supakeep.cli.columns import aligned, widest
from supakeep.errors import SupakeepError

if TYPE_CHECKING:
    import typer
    from pydantic import BaseModel
    from rich.console import Console

# what a word says about the data, by its colour
_COLOURS = {
    "complete": "green", "good": "green", "OK": "bold green", "kept": "green",
    "same": "green", "added": "green", "changed": "yellow", "counted": "yellow",
    "partial": "yellow", "WARN": "bold yellow", "would be removed": "yellow",
    "failed": "red", "damaged": "red", "missing": "red", "FAIL": "bold red", "removed": "red",
}  # fmt: skip

_BETWEEN = 2
# a column of words is broken down to this, and not below
_NARROWEST = 10


@dataclass(frozen=True)
class Terminal:
    """Tables and colours for a person at a terminal, plain text for a pipe, or JSON."""

    out: TextIO
    err: TextIO
    as_json: bool = False
    width: int = field(default_factory=lambda: shutil.get_terminal_size().columns)

    @property
    def is_interactive(self) -> bool:
        """Whether standard error is a terminal, on which a line can be redrawn."""
        return _is_rich(self.err)

    def line(self, text: str, style: str | None = None) -> None:
        """Prints a line; a terminal gets it broken between words, and in the style."""
        if _is_rich(self.out):
            self.console(self.out).print(text, style=style, markup=False, highlight=False)
        else:
            self.verbatim(text)

    def entry(self, text: str) -> None:
        """Prints a line that belongs to the one above; a terminal gets all of it indented."""
        self._hanging("    ", text)

    def item(self, text: str, style: str | None = None) -> None:
        """Prints an indented line of a list; on a terminal, what it is broken into stands further in."""
        self._hanging("  ", text, style)

    def verbatim(self, text: str) -> None:
        """Prints what is to be copied, such as a command: nothing is broken."""
        print(text, file=self.out)

    def columns(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Prints aligned columns with their headings; on a terminal they fit its width."""
        if _is_rich(self.out):
            self._print_table(head, rows)
            return
        for line in aligned([head, *rows]):
            self.line(line)

    def note(self, text: str) -> None:
        """Prints a remark on standard error, unless the output is for a program."""
        if not self.as_json:
            self._say(text, "dim")

    def notice(self, message: str, hint: str | None = None) -> None:
        text = f"! {message}" + (f" ({hint})" if hint else "")
        if _is_rich(self.out):
            self.console(self.out).print(text, style="yellow", markup=False, highlight=False)
        else:
            print(text, file=self.out)

    def json(self, value: BaseModel | dict[str, Any]) -> None:
        from pydantic_core import to_json

        # indented by Rust: the standard library does it in Python, which thousands of backups show
        print(to_json(value, indent=2).decode(), file=self.out)

    def error(self, error: SupakeepError) -> None:
        if self.as_json:
            self.json({"error": error.in_full, "hint": error.hint})
        self._say_error(error.in_full, error.hint)

    def wrong_usage(self, error: typer.TyperException) -> None:
        """Says what is wrong with the command line, and how to see what it takes."""
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "supakeep"
        # typer lets pydantic check a choice, and hands on how that begins
        message = error.format_message().replace("Value error, ", "")
        self._say_error(message, f"{command} --help")

    def ask(self, question: str) -> str | None:
        """What the person types; None where nobody can be asked."""
        if self.as_json or not (sys.stdin.isatty() and _is_terminal(self.err)):
            return None
        # a prompt of several lines breaks between words
        print(textwrap.fill(question, self.width - 1), end=" ", file=self.err, flush=True)
        return sys.stdin.readline().strip()

    def console(self, stream: TextIO) -> Console:
        """Rich's console on one of the two streams, which is a terminal."""
        # only a person at a terminal waits for its import
        from rich.console import Console

        return Console(file=stream, width=self.width, no_color="NO_COLOR" in os.environ)

    def _say_error(self, message: str, hint: str | None) -> None:
        self._say(f"error: {message}", "bold red")
        if hint:
            self._say(f"hint: {hint}")

    def _say(self, text: str, style: str | None = None) -> None:
        if self.is_interactive:
            console = self.console(self.err)
            console.print(text, style=style, markup=False, highlight=False)
        else:
            print(text, file=self.err)

    def _hanging(self, indent: str, text: str, style: str | None = None) -> None:
        if not _is_rich(self.out):
            self.verbatim(f"{indent}{text}")
            return
        wrapped = textwrap.wrap(
            text,
            self.width,
            initial_indent=indent,
            subsequent_indent=f"{indent}  ",
            break_on_hyphens=False,
        )
        for line in wrapped:
            self.line(line, style)

    def _print_table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        from rich.table import Table
        from rich.text import Text

        if _least_width(head, rows) > self.width:
            # rich would cut numbers short, which makes others of them
            self._print_records(head, rows)
            return
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _BETWEEN, 0, 0))
        for number, (title, *cells) in enumerate(zip(head, *rows, strict=True)):
            is_number = _are_numbers(cells)
            table.add_column(
                title,
                justify="right" if is_number else "left",
                overflow="fold",
                # a name is to be copied, so it is not broken
                no_wrap=is_number or number == 0,
            )
        for row in rows:
            table.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in row))
        self.console(self.out).print(table)

    def _print_records(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Each row as its first cell, with the others below it."""
        for first, *others in rows:
            self.line(first, "bold")
            for title, cell in zip(head[1:], others, strict=True):
                if cell:
                    self.entry(f"{title.lower()}: {cell}")


def _are_numbers(cells: Sequence[str]) -> bool:
    return bool(cells) and all(cell[:1].isdigit() for cell in cells if cell)


def _least_width(head: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """The cells without which a column that must not be broken would be cut short."""
    columns = [*zip(head, *rows, strict=True)]
    whole = [
        widest(column)
        if number == 0 or _are_numbers(column[1:])
        else min(_NARROWEST, widest(column))
        for number, column in enumerate(columns)
    ]
    return sum(whole) + _BETWEEN * (len(columns) - 1)


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty()


def _is_rich(stream: TextIO) -> bool:
    """Whether the stream is a terminal that understands more than lines."""
    return _is_terminal(stream) and os.environ.get("TERM") != "dumb"
