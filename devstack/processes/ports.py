"""Free TCP ports and waiting until something answers on them."""

from __future__ import annotations

import random
import socket
import time
from typing import TYPE_CHECKING

from devstack.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Callable

    from devstack.processes.children import Child

# Below the range that outgoing connections use (32768 on Linux, 49152 on macOS): a port from that
# range can be taken by any connection between its choice here and its use by a server.
LOWEST, HIGHEST = 20_000, 32_000
_handed_out: set[int] = set()


def free_port() -> int:
    """A port that nothing listens on, never the same one twice from one process."""
    for port in random.sample(range(LOWEST, HIGHEST), 200):
        if port not in _handed_out and _bindable(port):
            _handed_out.add(port)
            return port
    raise StackError(f"no free port between {LOWEST} and {HIGHEST}")


def _bindable(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def accepts_connections(port: int) -> bool:
    """Whether something listens on the port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(ready: Callable[[], bool], child: Child, *, seconds: float = 30) -> None:
    """Waits until a server is ready.

    Raises:
        StackError: it exited, or the time is over; with the end of its log.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if not child.running:
            reason = f"exited with {child.popen.returncode}"
        elif time.monotonic() > deadline:
            reason = f"was not ready after {seconds:g} s"
        else:
            time.sleep(0.03)
            continue
        raise StackError(f"{child.name} {reason}. The end of {child.log}:\n{child.log_tail()}")
