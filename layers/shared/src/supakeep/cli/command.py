"""What a command of `supakeep` is."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from supakeep.cli.session import Session

# exit codes; argparse uses that of wrong usage too
GOOD, FAILED, WRONG_USAGE, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 130


@dataclass(frozen=True)
class Command:
    """`options` adds the command's own arguments; `run` does its work and returns the exit code."""

    name: str
    summary: str
    options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[Session], int]
