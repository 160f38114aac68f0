"""A use of the database in a process of its own, which can be killed."""

from __future__ import annotations

import datetime as dt
import multiprocessing
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.fakes.time import FixedClock
from tests.faults.postgres_machine import OpenFolder, PostgresMachine

# what a process forks from has everything imported, and no threads
_FORKED = multiprocessing.get_context("forkserver")


@dataclass(frozen=True)
class Assignment:
    """The use `name` at `at`, of the database at `url`, with the backups in `folder`. An undo takes the run
    `restored` back.
    """

    name: str
    url: str
    folder: Path
    at: dt.datetime
    restored: str | None


def start(assignment: Assignment) -> BaseProcess:
    process = _FORKED.Process(target=_carry_out, args=(assignment,))
    process.start()
    return process


def _carry_out(assignment: Assignment) -> None:
    # the module that has the uses starts this one
    from tests.faults.postgres_matrix import USES

    use = next(use for use in USES if use.name == assignment.name)
    machine = PostgresMachine(
        assignment.url,
        OpenFolder(assignment.folder),
        FixedClock(assignment.at),
        restored=assignment.restored,
    )
    use.run(machine)
