"""A proxy between the client and PostgreSQL that breaks a connection at one of its messages."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread

from tests.faults.calls import Call, Journal

SERVICE = "postgres"
MESSAGE = "message"
_AT_ONCE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class TcpFault:
    """Strikes when the client sends something. `forwarded`: the server gets that, and does it. `happen`
    comes in between; with `breaks` the connection is reset then. `lasts`: nobody connects any more.
    """

    name: str
    forwarded: bool = False
    breaks: bool = True
    lasts: bool = False
    happen: Callable[[], object] = lambda: None


@dataclass
class TcpFaultProxy:
    """Passes bytes on between its clients and the server at `port`."""

    port: int
    journal: Journal[TcpFault] = field(default_factory=Journal)
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    threads: list[Thread] = field(default_factory=list)

    @property
    def own_port(self) -> int:
        port: int = self.listener.getsockname()[1]
        return port

    @property
    def is_down(self) -> bool:
        plan = self.journal.plan
        return plan is not None and plan.fault.lasts and self.journal.struck > 0

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.is_down:
                _reset(client)
                continue
            server = socket.create_connection(("127.0.0.1", self.port))
            for pump in (self._from_client, self._from_server):
                thread = Thread(target=pump, args=(client, server), daemon=True)
                thread.start()
                self.threads.append(thread)

    def _from_client(self, client: socket.socket, server: socket.socket) -> None:
        while sent := _received(client):
            fault = self.journal.enter(SERVICE, MESSAGE)
            if fault is None or fault.forwarded:
                with suppress(OSError):
                    server.sendall(sent)
            if fault is None:
                continue
            fault.happen()
            if fault.breaks:
                _reset(client)
                break
        # the server does what it got, and then finds that nobody is there
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _from_server(self, client: socket.socket, server: socket.socket) -> None:
        with client, server:
            while answer := _received(server):
                with suppress(OSError):
                    client.sendall(answer)
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)


@contextmanager
def tcp_fault_proxy(port: int) -> Iterator[TcpFaultProxy]:
    """A proxy in front of the server at `port`, until the block ends."""
    proxy = TcpFaultProxy(port)
    thread = Thread(target=proxy.serve)
    thread.start()
    try:
        yield proxy
    finally:
        # wakes the thread that waits in accept()
        proxy.listener.shutdown(socket.SHUT_RDWR)
        proxy.listener.close()
        for started in (thread, *proxy.threads):
            started.join(timeout=10)


def messages(count: int) -> list[Call]:
    return [Call(SERVICE, MESSAGE, number) for number in range(1, count + 1)]


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except OSError:
        return b""


def _reset(client: socket.socket) -> None:
    """As a server that died: not an end in good order."""
    with suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        client.shutdown(socket.SHUT_RD)
    client.close()
