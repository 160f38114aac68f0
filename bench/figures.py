"""What is measured, as values: medians, ratios and the table that shows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

HEADINGS = ("figure (lower is better)", "ours", "rival", "unit", "ratio", "target", "met")


@dataclass(frozen=True)
class Figure:
    """One line of the table: two medians and the largest ratio of them that is good enough.

    Attributes:
        figure: what was measured, and against what.
        ours: median of Supakeep's runs, in `unit`.
        rival: median of the rival's runs, in `unit`.
        unit: `s`, `MB` (10^6 bytes).
        target: the largest `ratio` that meets it.
        most: the largest `ours` that meets it, in `unit`; None where only the ratio counts.
    """

    figure: str
    ours: float
    rival: float
    unit: str
    target: float
    most: float | None = None

    @property
    def ratio(self) -> float:
        """Ours as a part of the rival's; infinite where the rival took nothing."""
        return self.ours / self.rival if self.rival else float("inf")

    @property
    def is_met(self) -> bool:
        """Whether the unrounded figures are within the target."""
        return self.ratio <= self.target and (self.most is None or self.ours <= self.most)

    @property
    def target_text(self) -> str:
        """The target as a person reads it."""
        most = f", at most {self.most:g} {self.unit}" if self.most is not None else ""
        return f"{self.target:.2f}{most}"


def figure_of(
    name: str,
    ours: Sequence[float],
    rival: Sequence[float],
    unit: str,
    target: float,
    most: float | None = None,
) -> Figure:
    """A figure of the medians of several runs each; every sequence has at least one."""
    return Figure(name, median(ours), median(rival), unit, target, most)


def as_table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table, which a terminal shows well too."""
    rows = [HEADINGS, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [_line(row, widths) for row in rows]
    return "\n".join([lines[0], _rule(widths), *lines[1:]])


def as_json(figures: Sequence[Figure]) -> str:
    """A JSON list of objects: figure, ours, rival, unit, ratio, target, most, met."""
    entries = [asdict(one) | {"ratio": round(one.ratio, 4), "met": one.is_met} for one in figures]
    return json.dumps(entries, indent=2) + "\n"


def _cells(one: Figure) -> tuple[str, ...]:
    ratio, met = f"{one.ratio:.2f}", "yes" if one.is_met else "no"
    ours, rival = f"{one.ours:,.2f}", f"{one.rival:,.2f}"
    return (one.figure, ours, rival, one.unit, ratio, one.target_text, met)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.rjust(width) if _is_number(column) else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "| " + " | ".join(padded) + " |"


def _rule(widths: Sequence[int]) -> str:
    dashes = [
        "-" * (width - 1) + (":" if _is_number(column) else "-")
        for column, width in enumerate(widths)
    ]
    return "| " + " | ".join(dashes) + " |"


def _is_number(column: int) -> bool:
    return HEADINGS[column] in ("ours", "rival", "ratio")
