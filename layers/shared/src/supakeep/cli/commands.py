"""The commands of `supakeep`, in the order in which they are listed."""

from __future__ import annotations

from supakeep.cli import backup, download, list, migration, prune, restore, show, undo, verify  # noqa: A004
from supakeep.cli.command import Command

COMMANDS: tuple[Command, ...] = (
    backup.COMMAND,
    list.COMMAND,
    show.COMMAND,
    verify.COMMAND,
    download.COMMAND,
    restore.COMMAND,
    undo.COMMAND,
    prune.COMMAND,
    migration.COMMAND,
)
