"""Ends the stack's servers once the stack itself is gone, however it went.

Run as a script. Standard input is a pipe that only the stack holds open, so its end means that the
stack ended, by SIGKILL too. (PR_SET_PDEATHSIG would do this only on Linux, and fires when the
*thread* that started a child ends.) Input lines: `+<pid> <signal>` to watch, `-<pid>` to forget,
`/<path>` a folder to delete in the end.
"""

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

GRACE_SECONDS = 3.0


def session_members(leader: int) -> list[int]:
    """Processes in the session that `leader` opened.

    Sessions, because the runtime emulator puts its runtime into a separate process group. Without
    /proc (macOS) the leader's group has to do: the emulator does not run there.
    """
    members = []
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        with suppress(OSError):
            if os.getsid(pid) == leader:
                members.append(pid)
    return members


def signal_session(leader: int, signum: int) -> None:
    """Sends a signal to all of a session's processes; those already gone are no error."""
    for pid in session_members(leader):
        with suppress(OSError):
            os.kill(pid, signum)
    with suppress(OSError):
        os.killpg(leader, signum)


def alive(leader: int) -> bool:
    """Whether the leader still runs; a zombie does not."""
    with suppress(OSError):
        return (Path(f"/proc/{leader}/stat").read_text().rpartition(")")[2].split()[0]) != "Z"
    try:
        os.kill(leader, 0)
    except OSError:
        return False
    return not Path("/proc/self").exists()


def end(watched: dict[int, int]) -> None:
    """Stops every session in order, each by its own signal first, by force after a while."""
    for leader, signum in watched.items():
        with suppress(OSError):
            os.kill(leader, signum)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(alive(leader) for leader in watched) and time.monotonic() < deadline:
        time.sleep(0.05)
    for leader in watched:
        signal_session(leader, signal.SIGKILL)


def watch() -> None:
    """Reads commands until the stack is gone."""
    watched: dict[int, int] = {}
    folders: list[str] = []
    for line in sys.stdin:
        if line.startswith("/"):
            folders.append(line.rstrip("\n"))
        elif line.startswith("+"):
            pid, signum = line[1:].split()
            watched[int(pid)] = int(signum)
        else:
            watched.pop(int(line[1:]), None)
    end(watched)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    watch()
