"""The command line: the same use cases from a shell."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

import typer

from supakeep.cli.application import build_application
from supakeep.cli.command import FAILED, INTERRUPTED, Command, Run
from supakeep.cli.commands import COMMANDS
from supakeep.cli.options import SharedOptions
from supakeep.cli.terminal import Terminal
from supakeep.errors import SupakeepError
from supakeep.system import (
    look_for_garbage_rarely,
    refused_by_machine,
    termination_as_interrupt,
)

if TYPE_CHECKING:
    from supakeep.cli.session import OpenProject
    from supakeep.ports import Clock, ObjectStore

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CommandLine:
    """`supakeep` and its surroundings: those of the process, unless a caller brings others. None stands
    for what the settings describe, and for the machine's clock.
    """

    commands: Sequence[Command] = COMMANDS
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    application: OpenProject | None = None
    store_at: Callable[[str], ObjectStore] | None = None
    clock: Clock | None = None

    def run(self, argv: Sequence[str] | None = None) -> int:
        """Runs one command and returns its exit code."""
        arguments = list(sys.argv[1:] if argv is None else argv)
        program = build_application(self.commands, self._carry_out)
        try:
            code = program.main(arguments, "supakeep", standalone_mode=False)
        except typer.TyperException as error:
            if arguments:
                Terminal(self.out, self.err).wrong_usage(error)
            else:
                # the error is the list of the commands
                print(error.format_message(), file=self.err)
            return error.exit_code
        return int(code or 0)

    def _carry_out(self, run: Run, options: SharedOptions, given: Mapping[str, Any]) -> int:
        from supakeep.cli.session import Session

        _set_up_logging(verbose=options.verbose)
        terminal = Terminal(self.out, self.err, as_json=options.json)
        session = Session(
            options,
            terminal,
            environment=self.environment,
            application=self.application,
            store_at=self.store_at,
            clock=self.clock,
        )
        with _retries_shown(terminal):
            try:
                return run(session, **given)
            except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - raised again if unforeseen
                if options.debug:
                    from supakeep.cli.traceback import print_traceback

                    print_traceback(error, self.err, self.environment)
                return _exit_code(terminal, error)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `supakeep`; returns the exit code."""
    _print_any_name()
    look_for_garbage_rarely()
    with termination_as_interrupt():
        try:
            code = CommandLine().run(argv)
            sys.stdout.flush()
        except OSError as error:
            return _unwritten(error)
    return code


def _print_any_name() -> None:
    """Has a stream whose encoding lacks a character, as ASCII does, print its escape instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _unwritten(error: OSError) -> int:
    """Says that the output was not written, unless its reader has gone (`supakeep list | head`)."""
    # Python would report it once more when it ends
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        print(f"error: The output could not be written: {error.strerror}", file=sys.stderr)
    return FAILED


def _exit_code(terminal: Terminal, error: BaseException) -> int:
    """Says what ended the command."""
    if isinstance(error, KeyboardInterrupt):
        # a note names what could not be removed
        notes = getattr(error, "__notes__", ())
        print("interrupted", *notes, sep="\n", file=terminal.err)
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        # whoever read the output has gone (`supakeep list | head`)
        terminal.err.close()
        return FAILED
    if isinstance(error, OSError):
        log.debug("The machine refused", exc_info=error)
        terminal.error(refused_by_machine(error))
        return FAILED
    if not isinstance(error, SupakeepError):
        raise error
    terminal.error(error)
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
