"""Text in columns, by the cells that a terminal gives each character."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def width_of(text: str) -> int:
    """The cells that the text takes: two for a wide character, none for one that combines."""
    if text.isascii():
        return len(text)
    # most names are ASCII and do without its import
    from rich.cells import cell_len

    return cell_len(text)


def widest(lines: Iterable[str]) -> int:
    """The cells of the line that takes most of them."""
    return max(map(width_of, lines), default=0)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines with aligned columns; numbers stand to the right."""
    widths = [widest(column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _padded(cell: str, width: int) -> str:
    space = " " * (width - width_of(cell))
    return space + cell if cell[:1].isdigit() else cell + space
