"""Runs commands to their end, in turn, and measures them from outside."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import launcher


class BenchError(Exception):
    """A measured command failed or did the wrong thing; the message says which and how."""


@dataclass(frozen=True)
class Contender:
    """A command to measure; `prepare` runs before each time and is not measured. `stored_bytes` says
    afterwards how much the command has stored.
    """

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str]
    prepare: Callable[[], None]
    stored_bytes: Callable[[], int] = lambda: 0


@dataclass(frozen=True)
class Measured:
    """One run.

    Attributes:
        seconds: from the start of the process to its end, by the clock on the wall.
        processor_seconds: what the process itself (not the server) had of the cores' time.
        peak_mb: the most memory (10^6 bytes) that it, or the largest of its children, had resident.
        wal_mb: WAL (10^6 bytes) that the server wrote meanwhile.
        stored_mb: what a backup takes (10^6 bytes).
    """

    seconds: float
    processor_seconds: float
    peak_mb: float
    wal_mb: float
    stored_mb: float = 0.0


@dataclass
class Rounds:
    """Every run so far, by its contender's name.

    Attributes:
        repeat: how often each command is run.
        log: the output of the command that runs.
        tell: gets a line about each run.
        parts: what a contender's seconds are made of, where that was measured.
    """

    repeat: int
    log: Path
    tell: Callable[[str], None]
    runs: dict[str, list[Measured]] = field(default_factory=lambda: defaultdict(list))
    parts: dict[str, Mapping[str, float]] = field(default_factory=dict)

    def run(
        self,
        *contenders: Contender,
        times: int = 1,
        wal_bytes: Callable[[], int] = lambda: 0,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Runs each in turn, then all of them again, so that other work on the machine affects all of them:
        `times` as often as the others.

        Raises BenchError if one fails; `check` runs after each and may raise it too.
        """
        runs = self.repeat * times
        for number in range(1, runs + 1):
            for contender in contenders:
                contender.prepare()
                measured = measure(contender, self.log, wal_bytes)
                check()
                self.runs[contender.name].append(measured)
                self.tell(
                    f"{number}/{runs} {contender.name}: {measured.seconds:.2f} s, "
                    f"of the processor {measured.processor_seconds:.2f} s, "
                    f"{measured.peak_mb:.0f} MB, WAL {measured.wal_mb:.1f} MB"
                )

    def once(self, *contenders: Contender) -> None:
        """Runs each a single time, as what it does is done then."""
        replace(self, repeat=1).run(*contenders)

    def run_unmeasured(self, contender: Contender) -> None:
        """Something that the next runs need."""
        contender.prepare()
        measure(contender, self.log, lambda: 0)

    def has(self, *names: str) -> bool:
        """Whether each of them was run."""
        return all(self.runs.get(name) for name in names)

    def seconds(self, name: str) -> list[float]:
        return [run.seconds for run in self.runs[name]]

    def peak_mb(self, name: str) -> list[float]:
        return [run.peak_mb for run in self.runs[name]]

    def wal_mb(self, name: str) -> list[float]:
        return [run.wal_mb for run in self.runs[name]]

    def stored_mb(self, name: str) -> list[float]:
        return [run.stored_mb for run in self.runs[name]]


def measure(contender: Contender, log: Path, wal_bytes: Callable[[], int]) -> Measured:
    """Runs a prepared contender; its output goes to `log`.

    Raises BenchError where its exit code is not 0.
    """
    report = log.with_suffix(".json")
    wal_before = wal_bytes()
    with log.open("wb") as output:
        command = [sys.executable, "-I", "-S", launcher.__file__, report, *contender.command]
        subprocess.run(  # noqa: S603 - the benchmark's own commands
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(contender.environment),
            check=True,
        )
    reported = json.loads(report.read_text())
    if reported["exit_code"]:
        tail = log.read_text(errors="replace")[-2000:]
        raise BenchError(f"{contender.name} exited with {reported['exit_code']}:\n{tail}")
    wal = (wal_bytes() - wal_before) / 1e6
    return Measured(
        reported["seconds"],
        reported["processor_seconds"],
        reported["peak_bytes"] / 1e6,
        wal,
        contender.stored_bytes() / 1e6,
    )
