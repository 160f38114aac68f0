"""Who has the cores while a command runs, sampled from /proc. Linux only."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bench.measure import BenchError, Contender

INTERVAL_SECONDS = 0.1
_TICKS = os.sysconf("SC_CLK_TCK")
# in /proc/stat: user, nice, system, idle, iowait, irq, softirq
_BUSY = (0, 1, 2, 5, 6)


@dataclass(frozen=True)
class Share:
    """An interval of a run: core-seconds of each of the two sides, and of everybody."""

    seconds: float
    server: float
    client: float
    everybody: float

    def others(self) -> float:
        """Core-seconds of processes that have nothing to do with the run."""
        return max(0.0, self.everybody - self.server - self.client)

    def idle(self, cores: int) -> float:
        """Core-seconds that nobody used."""
        return max(0.0, cores * self.seconds - self.server - self.client - self.others())


@dataclass(frozen=True)
class _Sample:
    at: float
    server: Mapping[int, float]
    client: Mapping[int, float]
    everybody: float

    def since(self, before: _Sample) -> Share:
        return Share(
            self.at - before.at,
            _used(before.server, self.server),
            _used(before.client, self.client),
            self.everybody - before.everybody,
        )


def _used(before: Mapping[int, float], after: Mapping[int, float]) -> float:
    """What processes used between two samples; one that has ended since then is not counted."""
    return sum(seconds - before.get(process, 0.0) for process, seconds in after.items())


def watch(contender: Contender, server: int, log: Path) -> list[Share]:
    """Runs a contender and returns its intervals, one after the other. `server` is the process ID of
    the server's parent.

    Raises BenchError where the contender fails.
    """
    contender.prepare()
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the benchmark's own commands
            [str(part) for part in contender.command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(contender.environment),
        )
        samples = [_sample(server, process.pid)]
        while process.poll() is None:
            time.sleep(INTERVAL_SECONDS)
            samples.append(_sample(server, process.pid))
    if process.returncode:
        raise BenchError(f"{contender.name} failed:\n{log.read_text(errors='replace')[-2000:]}")
    return [after.since(before) for before, after in pairwise(samples)]


def _sample(server: int, client: int) -> _Sample:
    return _Sample(time.perf_counter(), _tree(server), _tree(client), _everybody())


def _everybody() -> float:
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    return sum(int(fields[index]) for index in _BUSY) / _TICKS


def _tree(process: int) -> dict[int, float]:
    """Core-seconds so far of a process and of all below it, by process ID."""
    found: dict[int, float] = {}
    waiting = [process]
    while waiting:
        process = waiting.pop()
        try:
            found[process] = _processor_seconds(process)
            for task in Path(f"/proc/{process}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
    return found


def _processor_seconds(process: int) -> float:
    after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS
