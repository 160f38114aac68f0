"""What a command of `supakeep` is."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from supakeep.cli.session import Session

# exit codes; argparse ends wrong usage with 2
GOOD, FAILED, PARTIAL, INTERRUPTED = 0, 1, 3, 130


@dataclass(frozen=True)
class Command:
    """`options` adds the command's own arguments; `run` does its work and returns the exit code."""

    name: str
    summary: str
    options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[Session], int]
