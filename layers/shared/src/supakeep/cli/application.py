"""The commands as typer has them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from supakeep import __version__
from supakeep.cli.command import Command, Run
from supakeep.cli.commands import GROUPS
from supakeep.cli.options import SHARED_PARAMETERS, SharedOptions

if TYPE_CHECKING:
    from typer._click import Context

_EPILOG = (
    "Settings come from the environment: NEXT_PUBLIC_SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY, "
    "SUPABASE_DB_URL; docs/configuration.md lists them all. "
    "Exit code: 0 good, 1 failed, 2 wrong usage, 3 partial, 130 interrupted."
)

CarryOut = Callable[[Run, SharedOptions, Mapping[str, Any]], int]


def build_application(commands: Sequence[Command], carry_out: CarryOut) -> TyperGroup:
    """A group in which each command is `carry_out` with what does its work and the options that were
    given. Nothing of a command is imported before it is called.
    """
    app = typer.Typer(
        help="Backup and restore for Supabase databases.",
        no_args_is_help=True,
        epilog=_EPILOG,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
        # boxes would cut the names of options in 80 columns
        rich_markup_mode=None,
    )
    app.callback()(_program)
    # one with a callback is a group
    group = cast(TyperGroup, typer.main.get_command(app))
    for command in commands:
        words, _, name = command.name.rpartition(" ")
        owner = _group(group, words) if words else group
        owner.add_command(_CommandOnCall(name, command, carry_out))
    return group


def _group(program: TyperGroup, name: str) -> TyperGroup:
    """The commands that begin with this word."""
    group = program.commands.get(name)
    if not isinstance(group, TyperGroup):
        group = TyperGroup(
            name=name, help=GROUPS[name], no_args_is_help=True, rich_markup_mode=None
        )
        program.add_command(group)
    return group


class _CommandOnCall(TyperCommand):
    """A command in lists of commands. Its module is imported where its own arguments are read."""

    def __init__(self, name: str, command: Command, carry_out: CarryOut) -> None:
        super().__init__(name, help=command.summary, rich_markup_mode=None)
        self._command = command
        self._carry_out = carry_out

    def make_context(
        self, info_name: str | None, args: list[str], parent: Context | None = None, **extra: Any
    ) -> Context:
        try:
            loaded = self._loaded()
        except KeyboardInterrupt:
            # typer ends with the right exit code, and without a word
            print("interrupted", file=sys.stderr)
            raise
        return loaded.make_context(info_name, args, parent, **extra)

    def _loaded(self) -> TyperCommand:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        run = self._command.load()
        app.command(self.name, help=_help(self._command))(_function(run, self._carry_out))
        # one of a single command is that command
        return cast(TyperCommand, typer.main.get_command(app))


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it
    if wanted:
        typer.echo(f"supakeep {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version", "-V", help="Print the version.", is_eager=True, callback=_print_version
    ),
]


def _program(*, version: Version = False) -> None:
    """What stands before the command."""


def _help(command: Command) -> str:
    """The summary and, as lines of their own, the examples."""
    if not command.examples:
        return command.summary
    examples = "\n".join(f"  supakeep {example}" for example in command.examples)
    # after \b typer leaves the lines of a paragraph as they are
    return f"{command.summary}\n\n\b\nExamples:\n{examples}"


def _function(run: Run, carry_out: CarryOut) -> Callable[..., int]:
    """What typer calls: it has the parameters of the command and those of every command."""
    _, *own = inspect.signature(run, eval_str=True).parameters.values()
    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]

    def function(**given: Any) -> int:
        shared = {parameter.name: given.pop(parameter.name) for parameter in SHARED_PARAMETERS}
        return carry_out(run, SharedOptions(**shared), given)

    parameters = [*own, *SHARED_PARAMETERS]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {entry.name: entry.annotation for entry in parameters}
    return function
