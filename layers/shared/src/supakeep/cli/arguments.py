"""The command line's arguments."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from supakeep import __version__
from supakeep.domain.row_changes import RestoreMode


def build_parser(commands: Mapping[str, Callable[..., int]]) -> argparse.ArgumentParser:
    """The parser of `supakeep`; the chosen command is the namespace's `command`."""
    parser = argparse.ArgumentParser(
        prog="supakeep",
        description="Backup and restore for Supabase databases.",
        epilog="Settings come from the environment: NEXT_PUBLIC_SUPABASE_URL, "
        "SUPABASE_SERVICE_ROLE_KEY, SUPABASE_DB_URL; docs/configuration.md lists them all. "
        "Exit code: 0 good, 1 failed, 2 wrong usage, 3 partial, 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"supakeep {__version__}")
    common, source = _common_options(), _source_option()
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, text: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        sub = subparsers.add_parser(name, help=text, description=text, parents=[common, *parents])
        sub.set_defaults(command=commands[name])
        return sub

    create = add("backup", "Create a backup now.")
    create.add_argument(
        "--to", metavar="WHERE", help="a local folder, or s3://bucket, instead of Storage"
    )
    add("list", "List the backups, newest first.", source)
    _add_name(add("show", "Show what a backup holds.", source))
    _add_name(add("verify", "Read a whole backup and check every checksum.", source))
    _add_restore_options(add("restore", "Restore a backup into the database.", source))
    _add_undo_options(add("undo", "Bring back what a restore overwrote.", source))
    pruning = add("prune", "Remove backups by the retention policy.", source)
    pruning.add_argument(
        "--dry-run", action="store_true", help="tell what would be removed, and why"
    )
    return parser


def _common_options() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="machine-readable output")
    common.add_argument("--config", type=Path, metavar="FILE", help="another supakeep.toml")
    common.add_argument("--verbose", action="store_true", help="log details to standard error")
    return common


def _source_option() -> argparse.ArgumentParser:
    source = argparse.ArgumentParser(add_help=False)
    source.add_argument(
        "--from",
        dest="source",
        metavar="WHERE",
        help="primary, mirror, a folder, or s3://bucket (default: primary, then mirror)",
    )
    return source


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a backup's name, or 'latest'")


def _add_undo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the id of the restore run")
    parser.add_argument(
        "--dry-run", action="store_true", help="count what would change, write nothing"
    )
    parser.add_argument(
        "--confirm", metavar="REF", help="the ref of the project that is written to"
    )


def _add_restore_options(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument(
        "--table",
        action="append",
        default=[],
        metavar="TABLE",
        help="only this table; may be repeated",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="count what would change, write nothing"
    )
    parser.add_argument(
        "--mode",
        choices=[mode.value for mode in RestoreMode],
        default=RestoreMode.MERGE.value,
        help="merge overwrites and inserts (default), missing-only inserts, replace deletes too",
    )
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        type=_condition,
        metavar="COLUMN=VALUE",
        help="only rows with this value; may be repeated",
    )
    parser.add_argument(
        "--confirm", metavar="REF", help="the ref of the project that is written to"
    )
    parser.add_argument(
        "--into-schema", metavar="SCHEMA", help="tables of the same names in another schema"
    )
    parser.add_argument(
        "--ignore-dropped-columns",
        action="store_true",
        help="leave out the values of columns that the database no longer has",
    )
    parser.add_argument(
        "--no-undo", action="store_true", help="do not back the tables up before writing"
    )
    parser.add_argument(
        "--allow-other-project", action="store_true", help="the backup may be another project's"
    )


def _condition(text: str) -> tuple[str, str]:
    column, separator, value = text.partition("=")
    if not column or not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not COLUMN=VALUE")
    return column, value
