from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING, cast

from devstack.aws.gateway import Gateway, RunningGateway
from devstack.aws.http_events import Response

if TYPE_CHECKING:
    import pytest

    from devstack.aws.http_events import Request


class LateGateway:
    """Answers once `go_on` is set."""

    def __init__(self) -> None:
        self.asked, self.go_on, self.answered = (threading.Event() for _ in range(3))

    def answer(self, request: Request) -> Response:  # noqa: ARG002
        self.asked.set()
        assert self.go_on.wait(10)
        self.answered.set()
        return Response(200, bytes(10_000_000))

    def close(self) -> None:
        self.go_on.set()


def leave(connection: socket.socket) -> None:
    """Resets the connection, as a browser does with what a page that was left still asks for."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_a_client_that_has_gone_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    gateway, running = LateGateway(), RunningGateway()
    running.serve(cast("Gateway", gateway))
    before = set(threading.enumerate())
    connection = socket.create_connection(("127.0.0.1", running.port))
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert gateway.asked.wait(10)
    answering = set(threading.enumerate()) - before

    leave(connection)
    gateway.go_on.set()

    for thread in answering:
        thread.join(10)
    assert gateway.answered.is_set()
    assert capsys.readouterr().err == ""
    running.close()
