"""Arguments that several commands take."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_shared_options(parser: argparse.ArgumentParser) -> None:
    """What every command takes."""
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the supakeep.toml to use")
    parser.add_argument("--verbose", action="store_true", help="log details on standard error")


def add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="source",
        metavar="WHERE",
        help="primary, mirror, a folder, or s3://bucket (default: primary, then mirror)",
    )


def add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a backup's name, or 'latest'")


def add_tables(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--table",
        action="append",
        default=[],
        type=_table,
        metavar="TABLE",
        help="only this table; may be repeated",
    )


def _table(text: str) -> str:
    if not text.strip():
        # a variable without a value in a script must not mean every table
        raise argparse.ArgumentTypeError("it is empty. Name a table, or leave the option out")
    return text


def add_confirmation(parser: argparse.ArgumentParser) -> None:
    """The options of a command that writes into the database."""
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would change, and write nothing"
    )
    parser.add_argument(
        "--confirm",
        metavar="REF",
        help="the ref of the project that is written to; HOST/DATABASE for a server of your own",
    )
