"""A use case in a process of its own, which can be killed, or finds its disk full."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import resource
from collections.abc import Callable
from dataclasses import asdict, dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from supakeep.errors import SupakeepError
from tests.fakes.time import FixedClock
from tests.faults.hurry import disturbable
from tests.faults.machine import Machine, Outcome
from tests.faults.use_cases import USE_CASES

# what a process forks from has everything imported, and no threads
_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["tests.faults.child"])


@dataclass(frozen=True)
class Assignment:
    """The use case `name`, at `at`. No file of the process gets larger than `most_bytes`. How it ended
    is written into the file `end`; of a process that is killed, there is none.
    """

    name: str
    url: str
    at: dt.datetime
    folder: Path
    end: Path
    most_bytes: int | None = None


@dataclass(frozen=True)
class End:
    """How a use case ended in its process. `error` is the name of its class, None where it went well."""

    error: str | None
    is_ours: bool
    said: str


def start(assignment: Assignment) -> BaseProcess:
    process = _FORKED.Process(target=_carry_out, args=(assignment,))
    process.start()
    return process


def end_of(assignment: Assignment) -> End:
    return End(**json.loads(assignment.end.read_text()))


def _carry_out(assignment: Assignment) -> None:
    # it needs no more than a machine
    run: Callable[[Any], Any] = next(u.run for u in USE_CASES if u.name == assignment.name)
    clock = FixedClock(assignment.at, tick_seconds=0.25)
    machine = Machine(assignment.url, clock=clock, folder=assignment.folder)
    with disturbable(assignment.url):
        if assignment.most_bytes is not None:
            # a write beyond it fails as one on a full disk does
            resource.setrlimit(resource.RLIMIT_FSIZE, (assignment.most_bytes, -1))
        outcome = machine.watch(lambda: run(machine))
        resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    assignment.end.write_text(json.dumps(asdict(_end(outcome))))


def _end(outcome: Outcome) -> End:
    error = outcome.error
    return End(
        error=None if error is None else type(error).__name__,
        is_ours=isinstance(error, SupakeepError),
        said=outcome.said,
    )
