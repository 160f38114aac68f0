"""Who types the commands, as far as this machine knows."""

from __future__ import annotations

import getpass
import socket

from supakeep.domain.actor import Actor


def this_person() -> Actor:
    """The user and the machine: a claim, which nobody has verified."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        # a container may run as a number that has no name
        user = "unknown"
    return Actor(name=f"{user}@{socket.gethostname()}", via="the command line")
