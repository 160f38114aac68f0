"""Counts what was tried and what came of it, over all processes that pytest runs tests in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import pytest


class Failing(StrEnum):
    """What a fault must never lead to; the first three are the totals that a run ends with."""

    FALSE_SUCCESS = "false successes"
    BACKUP_LOST = "backups lost"
    SECRET_SEEN = "secrets seen"
    OTHER = "other failures"


@dataclass(frozen=True)
class Finding:
    """One thing that went wrong after a fault, in words."""

    failing: Failing
    what: str


TRIED = "faults tried"
COLUMNS = (TRIED, *Failing)


@dataclass
class Tally:
    """The counts of each use case, by column."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, use_case: str, findings: list[Finding]) -> None:
        """Notes one fault that was tried."""
        counts = self.counts.setdefault(use_case, Counter())
        counts[TRIED] += 1
        # one fault is one false success, however many sentences it is told in
        counts.update({found.failing.value for found in findings})

    def total(self, column: str) -> int:
        return sum(counts[column] for counts in self.counts.values())

    @property
    def is_good(self) -> bool:
        return not any(self.total(column) for column in Failing)

    def merge(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        for use_case, more in counts.items():
            self.counts.setdefault(use_case, Counter()).update(more)

    def lines(self) -> list[str]:
        """A table with a line for each use case and one for the totals."""
        width = max(map(len, self.counts))
        head = " " * width + "".join(f"{column:>17}" for column in COLUMNS)
        rows = [
            f"{use_case:<{width}}" + "".join(f"{counts[column]:>17,}" for column in COLUMNS)
            for use_case, counts in sorted(self.counts.items())
        ]
        totals = ", ".join(f"{column}: {self.total(column):,}" for column in COLUMNS)
        return [head, *rows, "", totals]


SESSION = Tally()
_SHIPPED = "supakeep_faults"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-fault",
        action="store_true",
        help="try every fault at every call (make faults), not a chosen part",
    )


def pytest_testnodedown(node: object) -> None:
    """A process of pytest-xdist has ended: its counts join ours."""
    SESSION.merge(getattr(node, "workeroutput", {}).get(_SHIPPED, {}))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    shipped = getattr(session.config, "workeroutput", None)
    if shipped is not None:
        shipped[_SHIPPED] = {name: dict(counts) for name, counts in SESSION.counts.items()}
    elif not SESSION.is_good and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if SESSION.counts:
        terminalreporter.section("faults")
        for line in SESSION.lines():
            terminalreporter.write_line(line)
