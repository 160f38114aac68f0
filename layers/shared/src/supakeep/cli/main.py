"""The command line: the same use cases from a shell."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

from supakeep import __version__
from supakeep.cli.command import FAILED, INTERRUPTED, WRONG_USAGE, Command
from supakeep.cli.commands import COMMANDS
from supakeep.cli.options import add_shared_options
from supakeep.cli.session import OpenProject, Session
from supakeep.cli.terminal import Terminal
from supakeep.errors import SupakeepError
from supakeep.ports import Clock, ObjectStore
from supakeep.system import SystemClock, refused_by_machine, termination_as_interrupt
from supakeep.wiring import SupabaseProject, store_at

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CommandLine:
    """`supakeep` and its surroundings: those of the process, unless a caller brings others."""

    commands: Sequence[Command] = COMMANDS
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    application: OpenProject = SupabaseProject.from_environment
    store_at: Callable[[str], ObjectStore] = store_at
    clock: Clock = field(default_factory=SystemClock)

    def run(self, argv: Sequence[str] | None = None) -> int:
        """Runs one command and returns its exit code. Wrong usage raises SystemExit."""
        parser = build_parser(self.commands)
        arguments = parser.parse_args(argv)
        if arguments.command is None:
            parser.print_help(self.err)
            parser.exit(WRONG_USAGE)
        _set_up_logging(verbose=arguments.verbose)
        terminal = Terminal(self.out, self.err, as_json=arguments.json)
        session = Session(
            arguments,
            terminal,
            environment=self.environment,
            application=self.application,
            store_at=self.store_at,
            clock=self.clock,
        )
        with _retries_shown(terminal):
            return _exit_code(arguments.command, session)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `supakeep`; returns the exit code."""
    with termination_as_interrupt():
        return CommandLine().run(argv)


def build_parser(commands: Sequence[Command]) -> argparse.ArgumentParser:
    """The parser of `supakeep`; the chosen command is the namespace's `command`."""
    parser = argparse.ArgumentParser(
        prog="supakeep",
        description="Backup and restore for Supabase databases.",
        epilog="Settings come from the environment: NEXT_PUBLIC_SUPABASE_URL, "
        "SUPABASE_SERVICE_ROLE_KEY, SUPABASE_DB_URL; docs/configuration.md lists them all. "
        "Exit code: 0 good, 1 failed, 2 wrong usage, 3 partial, 130 interrupted.",
    )
    parser.add_argument(
        "-V",
        "--version",
        action="version",
        version=f"supakeep {__version__}",
        help="print the version",
    )
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    parser.set_defaults(command=None)
    for command in commands:
        text = command.summary
        subparser = subparsers.add_parser(command.name, help=text, description=text)
        subparser.set_defaults(command=command)
        add_shared_options(subparser)
        command.options(subparser)
    return parser


def _exit_code(command: Command, session: Session) -> int:
    terminal = session.terminal
    try:
        return command.run(session)
    except SupakeepError as error:
        terminal.error(error)
        return FAILED
    except KeyboardInterrupt as interrupt:
        # a note names what could not be removed
        notes = getattr(interrupt, "__notes__", ())
        print("interrupted", *notes, sep="\n", file=terminal.err)
        return INTERRUPTED
    except BrokenPipeError:
        # whoever read the output has gone (`supakeep list | head`)
        terminal.err.close()
        return FAILED
    except OSError as error:
        log.debug("The machine refused", exc_info=True)
        terminal.error(refused_by_machine(error))
        return FAILED


@contextmanager
def _retries_shown(terminal: Terminal) -> Iterator[None]:
    """Says on standard error that something is tried again: it may take a minute."""
    retries, shown = logging.getLogger("supakeep.retries"), logging.StreamHandler(terminal.err)
    shown.setFormatter(logging.Formatter("! %(message)s"))
    retries.setLevel(logging.WARNING)
    retries.propagate = False
    retries.addHandler(shown)
    try:
        yield
    finally:
        retries.removeHandler(shown)
        retries.propagate = True


def _set_up_logging(*, verbose: bool) -> None:
    """Logs only Supakeep's own details: those of boto3 contain the secret that it reads."""
    logging.basicConfig(level=logging.WARNING if verbose else logging.CRITICAL)
    logging.getLogger("supakeep").setLevel(logging.DEBUG if verbose else logging.CRITICAL)
