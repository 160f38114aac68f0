"""Draws who had the cores during some runs, one below the other on the same axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bench.processor import Share

_LEFT, _WIDTH, _TOP = 48, 700, 64
_PANEL, _GAP = 120, 62
_ACROSS = _LEFT + _WIDTH + 20
_ATTRIBUTES = (
    'role="img" aria-labelledby="title desc" font-size="14" '
    "font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\""
)
_KINDS = ("server", "client", "others", "idle")
_STYLE = """
    .ground { fill: #ffffff; } .text { fill: #1c2430; } .quiet { fill: #586375; font-size: 12px; }
    .server { fill: #1f6feb; } .client { fill: #e8912d; } .others { fill: #b6bfca; } .idle { fill: #eef1f5; }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0d1117; } .text { fill: #e8edf4; } .quiet { fill: #a9b4c4; }
      .others { fill: #5b6675; } .idle { fill: #1b222c; }
    }
"""


@dataclass(frozen=True)
class Run:
    """A run with a name, and its intervals."""

    name: str
    shares: Sequence[Share]

    @property
    def seconds(self) -> float:
        return sum(share.seconds for share in self.shares)

    def core_seconds(self, cores: int) -> dict[str, float]:
        """How long each had a core, and how long the cores had nothing to do."""
        parts = [_parts(share, cores) for share in self.shares]
        return {kind: sum(part[kind] for part in parts) for kind in _KINDS}

    def described(self, cores: int) -> str:
        """The run in one line: its time and the core-seconds of each."""
        parts = ", ".join(f"{kind} {used:.2f}" for kind, used in self.core_seconds(cores).items())
        return f"{self.name}: {self.seconds:.2f} s; core-seconds: {parts}"


def drawn(runs: Sequence[Run], cores: int, machine: str) -> str:
    """An SVG."""
    scale = _WIDTH / max(run.seconds for run in runs)
    height = _TOP + len(runs) * (_PANEL + _GAP)
    panels = [
        _panel(run, cores, scale, _TOP + number * (_PANEL + _GAP))
        for number, run in enumerate(runs)
    ]
    described = "; ".join(run.described(cores) for run in runs)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_ACROSS} {height}" {_ATTRIBUTES}>',
        '  <title id="title">Who has the cores during a backup</title>',
        f'  <desc id="desc">{escape(described)}</desc>',
        f"  <style>{_STYLE}  </style>",
        f'  <rect class="ground" width="{_ACROSS}" height="{height}" rx="8"/>',
        _legend(machine),
        *panels,
        "</svg>\n",
    ]
    return "\n".join(lines)


def _legend(machine: str) -> str:
    entries = [
        f'<rect class="{kind}" x="{_LEFT + 90 * number}" y="14" width="14" height="14"/>'
        f'<text class="text" x="{_LEFT + 20 + 90 * number}" y="26">{kind}</text>'
        for number, kind in enumerate(_KINDS)
    ]
    note = f'<text class="quiet" x="{_LEFT}" y="46">{escape(machine)}</text>'
    return "  " + "".join([*entries, note])


def _panel(run: Run, cores: int, scale: float, top: float) -> str:
    used = run.core_seconds(cores)
    parts = ", ".join(f"{kind} {used[kind]:.2f}" for kind in _KINDS)
    lines = [
        f'  <text class="text" x="{_LEFT}" y="{top + 8}">{escape(run.name)}: {run.seconds:.2f} s</text>',
        f'  <text class="quiet" x="{_LEFT}" y="{top + _PANEL + 44}">core-seconds: {parts}</text>',
        f'  <text class="quiet" x="8" y="{top + 26}">{cores}</text>',
        f'  <text class="quiet" x="8" y="{top + _PANEL + 16}">cores</text>',
    ]
    at = 0.0
    for share in run.shares:
        lines += _bars(share, cores, _LEFT + at * scale, share.seconds * scale, top + 16)
        at += share.seconds
    lines += [
        f'  <text class="quiet" x="{_LEFT + second * scale:.1f}" y="{top + _PANEL + 28}">{second} s</text>'
        for second in range(int(run.seconds) + 1)
    ]
    return "\n".join(lines)


def _bars(share: Share, cores: int, left: float, width: float, top: float) -> list[str]:
    """One interval, what was used at the bottom."""
    bars, bottom = [], top + _PANEL - 4.0
    for kind, used in _parts(share, cores).items():
        height = (_PANEL - 4) * used / (cores * share.seconds)
        bottom -= height
        bars.append(
            f'  <rect class="{kind}" x="{left:.1f}" y="{bottom:.1f}" '
            f'width="{width + 0.3:.1f}" height="{height:.1f}"/>'
        )
    return bars


def _parts(share: Share, cores: int) -> dict[str, float]:
    """The interval's core-seconds by kind; together they are all that there were."""
    parts = {
        "server": share.server,
        "client": share.client,
        "others": share.others(),
        "idle": share.idle(cores),
    }
    fits = cores * share.seconds / sum(parts.values())
    return {kind: used * fits for kind, used in parts.items()}
