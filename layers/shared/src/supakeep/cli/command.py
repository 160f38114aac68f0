"""What a command of `supakeep` is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

# exit codes; wrong usage has its own
GOOD, FAILED, WRONG_USAGE, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 130

Run = Callable[..., int]


@dataclass(frozen=True)
class Command:
    """A command as the list of commands and its help show it. What does the work is imported when the
    command is called: who asks for help does not wait for what only a backup needs.

    `examples` are command lines without `supakeep`. `run` takes the place of what would be imported.
    """

    name: str
    summary: str
    run: Run | None = None
    examples: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """The module of the command's name; its function `run` does the work."""
        return f"supakeep.cli.{self.name.replace(' ', '_')}"

    def load(self) -> Run:
        """What does the work and returns the exit code. It takes the Session first; its other parameters
        are the command's own arguments and options, as typer reads them from annotations.
        """
        if self.run is not None:
            return self.run
        run: Run = import_module(self.module).run
        return run
