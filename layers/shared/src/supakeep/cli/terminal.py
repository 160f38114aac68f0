"""What the command line prints with: results on standard output, progress and errors on standard
error.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from pydantic import BaseModel

from supakeep.errors import SupakeepError

# a larger size is shown in the next larger unit
_LARGEST_NUMBER = 10 * 1024


@dataclass(frozen=True)
class Terminal:
    """Plain tables for a person, or JSON."""

    out: TextIO
    err: TextIO
    as_json: bool = False
    width: int = field(default_factory=lambda: shutil.get_terminal_size().columns)

    @property
    def is_interactive(self) -> bool:
        """Whether standard error is a terminal, on which a line can be redrawn."""
        return self.err.isatty()

    def line(self, text: str) -> None:
        print(text, file=self.out)

    def columns(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Prints aligned columns with their headings."""
        for line in aligned([head, *rows]):
            self.line(line)

    def note(self, text: str) -> None:
        """Prints a remark on standard error, unless the output is for a program."""
        if not self.as_json:
            print(text, file=self.err)

    def notice(self, message: str, hint: str | None = None) -> None:
        self.line(f"! {message}" + (f" ({hint})" if hint else ""))

    def json(self, value: BaseModel | dict[str, Any] | None) -> None:
        fields = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        self.line(json.dumps(fields, indent=2, ensure_ascii=False))

    def error(self, error: SupakeepError) -> None:
        if self.as_json:
            self.json({"error": error.message, "hint": error.hint})
        print(f"error: {error.message}", file=self.err)
        if error.hint:
            print(f"hint: {error.hint}", file=self.err)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines with aligned columns; numbers stand to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if cell[:1].isdigit() else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def size_text(size_bytes: int) -> str:
    """`12 KiB`: a size in the unit in which it has up to five digits."""
    size, unit = size_bytes, "B"
    for larger in ("KiB", "MiB", "GiB"):
        if size < _LARGEST_NUMBER:
            break
        size, unit = size // 1024, larger
    return f"{size:,} {unit}"
