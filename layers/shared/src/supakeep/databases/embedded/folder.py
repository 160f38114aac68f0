"""The folder of one embedded server, and what killed drills left of theirs."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

log = logging.getLogger(__name__)

_PREFIX = "supakeep-drill-"
_LOCK = "lock"
DATA = "data"


@contextmanager
def drill_folder() -> Iterator[Path]:
    """A new folder for one server, which is removed with its content at the end.

    It is locked as long as this process lives: a folder without a lock was left by a drill that was
    killed, and is removed here, with the server that may still run in it.
    """
    _remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        unnamed = folder / f"{_LOCK}.new"
        with unnamed.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # it gets its name when it is locked, so that nobody takes the folder for one that was left
            unnamed.rename(folder / _LOCK)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_in_folder() -> int:
    """The bytes that are free for a new folder, when what killed drills left is gone."""
    _remove_leftovers()
    return shutil.disk_usage(tempfile.gettempdir()).free


def _remove_leftovers() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if _is_left(folder):
            log.warning("A drill was killed before its end: its folder %s is removed", folder)
            _stop_server(folder)
            shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Whether no process holds its lock. One without a lock is about to get it."""
    try:
        with (folder / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except OSError:
        return False


def _stop_server(folder: Path) -> None:
    """Stops the server that runs in a folder, if one does: at once, since nothing of it is kept."""
    with suppress(OSError, ValueError, IndexError):
        process, data = (folder / DATA / "postmaster.pid").read_text().splitlines()[:2]
        # the ID may be another process's by now
        command = Path(f"/proc/{process}/cmdline")
        if command.parent.exists() and str(data).encode() not in command.read_bytes():
            return
        os.kill(int(process), signal.SIGQUIT)
