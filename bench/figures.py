"""What is measured, as values: medians, ratios and the table that shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

HEADINGS = ("figure (lower is better)", "ours", "rival", "unit", "ratio", "target", "met")


@dataclass(frozen=True)
class Figure:
    """One line of the table: two medians and the largest ratio of them that is good enough, or one
    median and the largest that is.

    Attributes:
        figure: what was measured, and against what.
        ours: median of Supakeep's runs, in `unit`.
        rival: median of the rival's runs, in `unit`; None where there is no rival.
        unit: `s`, `MB` (10^6 bytes).
        target: the largest `ratio` that meets it; None where it only informs, or without a rival.
        most: the largest `ours` that meets it, in `unit`; None where only the ratio counts.
        parts: what `ours` is made of, in `unit`, where that was measured.
    """

    figure: str
    ours: float
    rival: float | None
    unit: str
    target: float | None
    most: float | None = None
    parts: Mapping[str, float] | None = None

    @property
    def ratio(self) -> float | None:
        """Ours as a part of the rival's; infinite where the rival took nothing."""
        if self.rival is None:
            return None
        return self.ours / self.rival if self.rival else float("inf")

    @property
    def is_met(self) -> bool:
        """Whether the unrounded figures are within the target."""
        is_ratio_met = self.ratio is None or self.target is None or self.ratio <= self.target
        return is_ratio_met and (self.most is None or self.ours <= self.most)

    @property
    def target_text(self) -> str:
        """The target as a person reads it."""
        ratio = [] if self.target is None else [f"{self.target:.2f}"]
        most = [] if self.most is None else [f"at most {self.most:g} {self.unit}"]
        return ", ".join(ratio + most)


def figure_of(
    name: str,
    ours: Sequence[float],
    rival: Sequence[float],
    unit: str,
    target: float | None,
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


def as_parts(one: Figure) -> str:
    """What a figure is made of in one sentence; what rounds to nothing is left out."""
    parts = (one.parts or {}).items()
    return ", ".join(f"{name} {value:.3f} {one.unit}" for name, value in parts if value >= 0.0015)


def as_json(figures: Sequence[Figure]) -> str:
    """A JSON list of objects: figure, ours, rival, unit, ratio, target, most, parts, met."""
    return json.dumps([_entry(one) for one in figures], indent=2) + "\n"


def _entry(one: Figure) -> dict[str, object]:
    ratio = None if one.ratio is None else round(one.ratio, 4)
    return asdict(one) | {"ratio": ratio, "met": one.is_met}


def _cells(one: Figure) -> tuple[str, ...]:
    rival = "" if one.rival is None else f"{one.rival:,.2f}"
    ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
    met = ("yes" if one.is_met else "no") if one.target_text else ""
    return (one.figure, f"{one.ours:,.2f}", rival, one.unit, ratio, one.target_text, met)


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
