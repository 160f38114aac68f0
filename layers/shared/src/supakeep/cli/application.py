"""The commands as a typer application."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from supakeep import __version__
from supakeep.cli.command import GROUPS, Command
from supakeep.cli.options import SHARED_PARAMETERS, SharedOptions

_EPILOG = (
    "Settings come from the environment: NEXT_PUBLIC_SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY, "
    "SUPABASE_DB_URL; docs/configuration.md lists them all. "
    "Exit code: 0 good, 1 failed, 2 wrong usage, 3 partial, 130 interrupted."
)

CarryOut = Callable[[Command, SharedOptions, Mapping[str, Any]], int]


def build_application(commands: Sequence[Command], carry_out: CarryOut) -> typer.Typer:
    """An application in which each command is `carry_out` with the options that were given."""
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
    groups: dict[str, typer.Typer] = {}
    for command in commands:
        group, _, name = command.name.rpartition(" ")
        owner = _group(app, groups, group) if group else app
        owner.command(name, help=_help(command), short_help=command.summary)(
            _function(command, carry_out)
        )
    return app


def _group(app: typer.Typer, groups: dict[str, typer.Typer], name: str) -> typer.Typer:
    """The commands that begin with this word."""
    if name not in groups:
        groups[name] = typer.Typer(help=GROUPS[name], no_args_is_help=True, rich_markup_mode=None)
        app.add_typer(groups[name], name=name)
    return groups[name]


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


def _function(command: Command, carry_out: CarryOut) -> Callable[..., int]:
    """What typer calls: it has the parameters of the command and those of every command."""
    _, *own = inspect.signature(command.run, eval_str=True).parameters.values()
    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]

    def function(**given: Any) -> int:
        shared = {parameter.name: given.pop(parameter.name) for parameter in SHARED_PARAMETERS}
        return carry_out(command, SharedOptions(**shared), given)

    parameters = [*own, *SHARED_PARAMETERS]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {entry.name: entry.annotation for entry in parameters}
    return function
