"""Starts the stack's servers as child processes and leaves none of them behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from devstack.errors import StackError
from devstack.processes import guardian

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STOP_SECONDS = 5.0
TAIL_LINES = 25


@dataclass(frozen=True)
class Child:
    """A running server in its own session, with its output in a file."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path
    stop_signal: signal.Signals

    @property
    def running(self) -> bool:
        """Whether it has not exited."""
        return self.popen.poll() is None

    def log_tail(self) -> str:
        """The end of its output, for error messages."""
        return log_tail(self.log)


def log_tail(log: Path) -> str:
    """The last lines of a log file; empty if there is none."""
    with suppress(OSError):
        return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])
    return ""


class Children:
    """The child processes of one stack; on leaving the context all of them are stopped.

    Safe to use from several threads. Should this process be killed, the guardian stops them.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []
        self._lock = threading.Lock()
        self._closed = False
        self._guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", guardian.__file__],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def start(  # noqa: PLR0913 - all but three have a good default
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        folder: Path,
        user: int | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        converses: bool = False,
    ) -> Child:
        """Starts a server with exactly this environment; its output goes to `<logs>/<name>.log`.

        One that `converses` has pipes as standard input and output, only its errors are logged.
        """
        log = self._logs / f"{name}.log"
        with self._lock, log.open("ab") as output:
            if self._closed:
                raise StackError(f"{name} was not started: the stack is stopping")
            popen = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.PIPE if converses else subprocess.DEVNULL,
                stdout=subprocess.PIPE if converses else output,
                stderr=output,
                env=dict(environment),
                cwd=folder,
                start_new_session=True,
                **as_user(user),
            )
            self._tell_guardian(f"+{popen.pid} {int(stop_signal)}")
            child = Child(name, popen, log, stop_signal)
            self._children.append(child)
        return child

    def delete_at_end(self, folder: Path) -> None:
        """Has a folder deleted once all children have ended, even if this process is killed."""
        with self._lock:
            self._tell_guardian(str(folder))

    def stop(self, child: Child) -> None:
        """Stops one child and everything in its session."""
        with suppress(ProcessLookupError):
            child.popen.send_signal(child.stop_signal)
        try:
            child.popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.popen.kill()
            child.popen.wait()
        guardian.signal_session(child.popen.pid, signal.SIGKILL)
        for pipe in (child.popen.stdin, child.popen.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        with self._lock:
            if child in self._children:
                self._children.remove(child)
                self._tell_guardian(f"-{child.popen.pid}")

    def close(self) -> None:
        """Stops all children, the last started first; harmless when called again."""
        with self._lock:
            self._closed = True
            leftover = list(reversed(self._children))
        for child in leftover:
            self.stop(child)
        if self._guardian.stdin and not self._guardian.stdin.closed:
            self._guardian.stdin.close()
        self._guardian.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell_guardian(self, line: str) -> None:
        if self._guardian.stdin is None:
            raise StackError("the guardian has no input")
        self._guardian.stdin.write(f"{line}\n".encode())
        self._guardian.stdin.flush()


def as_user(user: int | None) -> dict[str, Any]:
    """Popen's arguments for a child under another user id, without any other group."""
    return {} if user is None else {"user": user, "group": user_group(user), "extra_groups": []}


def user_group(user: int) -> int:
    """A user's primary group."""
    import pwd

    return pwd.getpwuid(user).pw_gid


def essential_environment() -> dict[str, str]:
    """What any child needs of this process's environment; nothing more, so that no key leaks."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE")
    return {name: os.environ[name] for name in kept if name in os.environ}
