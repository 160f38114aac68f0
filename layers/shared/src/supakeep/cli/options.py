"""Arguments and options that several commands take."""

from __future__ import annotations

import datetime as dt
import inspect
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from supakeep.cli.completion import complete_backups, complete_tables


class ProgressForm(StrEnum):
    """How progress is shown on standard error."""

    AUTO = "auto"
    PLAIN = "plain"
    JSON = "json"
    NONE = "none"


@dataclass(frozen=True)
class SharedOptions:
    """What every command takes."""

    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The supakeep.toml to use.")
    ] = None
    progress: Annotated[
        ProgressForm, typer.Option(help="How progress is shown on standard error.")
    ] = ProgressForm.AUTO
    verbose: Annotated[bool, typer.Option("--verbose", help="Log details on standard error.")] = (
        False
    )
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came up.")] = False


SHARED_PARAMETERS = tuple(
    parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
    for parameter in inspect.signature(SharedOptions, eval_str=True).parameters.values()
)


def _table(text: str) -> str:
    if not text.strip():
        # a variable without a value in a script must not mean every table
        raise typer.BadParameter("it is empty. Name a table, or leave the option out")
    return text


def day(text: str) -> dt.date:
    """The day of an option such as --until."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day such as 2027-01-31") from None


def _condition(text: str) -> str:
    column, separator, _ = text.partition("=")
    if not column or not separator:
        raise typer.BadParameter(f"{text!r} is not COLUMN=VALUE")
    return text


Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="A backup's name, or 'latest'.", autocompletion=complete_backups
    ),
]
Source = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="WHERE",
        help="primary, mirror, the name of a [[copy]], a folder, s3://bucket or gs://bucket. "
        "Default: primary, then each copy.",
    ),
]
Tables = Annotated[
    list[str] | None,
    typer.Option(
        "--table",
        parser=_table,
        metavar="TABLE",
        help="Only this table; may be repeated.",
        autocompletion=complete_tables,
    ),
]
Conditions = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        parser=_condition,
        metavar="COLUMN=VALUE",
        help="Only rows with this value in this column; may be repeated.",
    ),
]
Identity = Annotated[
    str | None,
    typer.Option(
        "--identity",
        metavar="FILE",
        help="The private key of an encrypted backup: a file, or - for standard input.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would change, and write nothing.")
]
AllowUnsigned = Annotated[
    bool,
    typer.Option(
        "--allow-unsigned",
        help="Allow a backup that was made before there was a signing key.",
    ),
]
Confirm = Annotated[
    str | None,
    typer.Option(
        metavar="REF",
        help="The ref of the project that is written to; HOST/DATABASE for a server of your own.",
    ),
]


def conditions_of(texts: list[str] | None) -> dict[str, str] | None:
    """Each `COLUMN=VALUE` as a column and its value; the last one counts where a column is repeated."""
    pairs = [text.partition("=") for text in texts or ()]
    return {column: value for column, _, value in pairs} or None
