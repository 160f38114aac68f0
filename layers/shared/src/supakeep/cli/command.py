"""What a command of `supakeep` is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# exit codes; wrong usage has its own
GOOD, FAILED, WRONG_USAGE, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 130

# what the first word of a command of two words is about
GROUPS = {"config": "Check and show the settings."}


@dataclass(frozen=True)
class Command:
    """`run` does the work and returns the exit code. It takes the Session first; its other
    parameters are the command's own arguments and options, as typer reads them from annotations.

    `examples` are command lines without `supakeep`; its help shows them.
    """

    name: str
    summary: str
    run: Callable[..., int]
    examples: tuple[str, ...] = ()
