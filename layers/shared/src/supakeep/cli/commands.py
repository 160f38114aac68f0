"""The commands of `supakeep`, in the order in which they are listed."""

from __future__ import annotations

from supakeep.cli import backup, diff, download, list, migration, prune, restore, show, undo, verify  # noqa: A004
from supakeep.cli.command import Command

COMMANDS: tuple[Command, ...] = (
    backup.COMMAND,
    list.COMMAND,
    show.COMMAND,
    verify.COMMAND,
    diff.COMMAND,
    download.COMMAND,
    restore.COMMAND,
    undo.COMMAND,
    prune.COMMAND,
    migration.COMMAND,
)
