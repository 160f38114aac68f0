"""The commands of `supakeep`, in the order in which they are listed."""

from __future__ import annotations

from supakeep.cli import (
    backup,
    check,
    config_check,
    config_show,
    copy,
    diff,
    download,
    init,
    keygen,
    list,  # noqa: A004
    migration,
    pin,
    prune,
    restore,
    runs,
    show,
    undo,
    unpin,
    verify,
)
from supakeep.cli.command import Command

COMMANDS: tuple[Command, ...] = (
    init.COMMAND,
    backup.COMMAND,
    list.COMMAND,
    show.COMMAND,
    verify.COMMAND,
    copy.COMMAND,
    diff.COMMAND,
    download.COMMAND,
    restore.COMMAND,
    undo.COMMAND,
    prune.COMMAND,
    pin.COMMAND,
    unpin.COMMAND,
    runs.COMMAND,
    check.COMMAND,
    config_check.COMMAND,
    config_show.COMMAND,
    migration.COMMAND,
    keygen.COMMAND,
)
