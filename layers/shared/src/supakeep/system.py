"""What the operating system gives."""

from __future__ import annotations

import datetime as dt
import errno
import gc
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO, NoReturn, cast

from supakeep.errors import MachineError

# what the system says where a disk, a quota or a limit is full
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOT_WRITABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR})


if sys.platform == "linux":
    # Linux's monotonic clock stands still while the machine sleeps
    _steady_seconds = partial(time.clock_gettime, time.CLOCK_BOOTTIME)
else:
    _steady_seconds = time.monotonic


_OBJECTS_BETWEEN_LOOKS = 10_000


def look_for_garbage_rarely() -> None:
    """Python looks for cycles of garbage after 10,000 new objects instead of 700, in this process.

    Manifests and rows have no cycles, and a list of thousands of backups spent a third of its time looking.
    """
    gc.set_threshold(_OBJECTS_BETWEEN_LOOKS, *gc.get_threshold()[1:])


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def steady_seconds(self) -> float:
        return _steady_seconds()


class NoLease:
    """Work that nothing is kept apart from."""

    def confirm(self) -> None:
        return None


class NoDeadline:
    """A process that may take as long as it needs."""

    def check(self) -> None:
        return None

    def seconds_left(self) -> None:
        return None


def temporary_file() -> BinaryIO:
    """An empty file without a name in the temporary folder, gone when it is closed."""
    return cast(BinaryIO, tempfile.TemporaryFile(prefix="supakeep-"))


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """Has SIGTERM, and the end of the terminal, raise KeyboardInterrupt in the block, as Ctrl-C does: a
    run that is asked to end records that, and gives its lease back.
    """

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    # what nohup has ignored stays ignored
    heard = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])


def refused_by_machine(error: OSError) -> MachineError:
    """An error that says what the operating system refused.

    Adapters map the errors of stores and databases, so what arrives here is about this machine, and
    most likely about its temporary files.
    """
    where = f": {error.filename}" if error.filename is not None else ""
    return MachineError(
        f"{error.strerror or type(error).__name__}{where}",
        operation="use this machine",
        key=None if error.filename is None else str(error.filename),
        hint=_how_to_fix(error),
    )


def out_of_memory() -> MachineError:
    return MachineError(
        "There was not enough memory",
        operation="use this machine",
        hint="Give the function more memory (in the template), or run this on a larger machine. One very large "
        "value takes several times its size.",
    )


def _how_to_fix(error: OSError) -> str:
    if error.errno in NO_ROOM:
        # the folder that Python found earlier; searching again would fail on the full disk
        folder = tempfile.tempdir or "the temporary folder"
        return (
            f"Free some space in {folder}, or set TMPDIR to another folder. A backup keeps two "
            "volumes there (MAX_OBJECT_BYTES each) until they are stored."
        )
    if error.errno in _NOT_WRITABLE:
        return "Check the path and its permissions. TMPDIR sets another folder for temporary files."
    return "Run the command again with --verbose to see where it happened."
