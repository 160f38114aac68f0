"""A server between the real clients and the real servers, which spoils one exchange."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from tests.faults.calls import Journal
from tests.faults.http_faults import Asked, HttpFault, Reply, Server

# longer than any client of the matrix waits (world.py)
LATE_SECONDS = 0.8
_AT_ONCE = struct.pack("ii", 1, 0)


@dataclass
class FaultProxy:
    """Listens for every service; `servers` answer by the service's name."""

    servers: dict[str, Server] = field(default_factory=dict)
    journal: Journal[HttpFault] = field(default_factory=Journal)
    url: str = ""

    def answer(self, asked: Asked) -> Reply:
        server = self.servers[asked.service]
        fault = self.journal.enter(asked.service, _what(asked))
        return server(asked) if fault is None else fault.answer(asked, server)


@contextmanager
def fault_proxy() -> Iterator[FaultProxy]:
    """A proxy that listens on this machine until the block ends."""
    proxy = FaultProxy()

    class Handler(_Exchange):
        def carry_out(self, asked: Asked) -> Reply:
            return proxy.answer(asked)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Exchange(BaseHTTPRequestHandler):
    # so that a client's `Expect: 100-continue` is answered
    protocol_version = "HTTP/1.1"

    def carry_out(self, asked: Asked) -> Reply:
        raise NotImplementedError

    def handle_one_request(self) -> None:
        self.close_connection = True
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            return
        # each request has its own connection, so that breaking one breaks only that
        self.close_connection = True
        reply = self.carry_out(self._asked())
        if reply.late:
            time.sleep(LATE_SECONDS)
        if reply.reset:
            self._break()
            return
        self._send(reply)

    def _asked(self) -> Asked:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        return Asked(_service(self.path, headers), self.command, self.path, headers, body)

    def _send(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("Connection", "close")
        try:
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body[: reply.sent_bytes])
        except OSError:
            return  # a client that lost its patience is gone

    def _break(self) -> None:
        """A reset, as of a server that died: not an end in good order."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        # only with its last reader is a connection closed
        self.rfile.close()
        self.connection.close()


_TARGETS = {"DynamoDB": "dynamodb", "secretsmanager": "secretsmanager"}


def _service(path: str, headers: dict[str, str]) -> str:
    target = headers.get("x-amz-target", "")
    for start, service in _TARGETS.items():
        if target.startswith(start):
            return service
    for start, service in (
        ("/storage/v1/", "storage"),
        ("/rest/v1/", "data api"),
        ("/2015-03-31/", "lambda"),
        ("/notices/", "notices"),
    ):
        if path.startswith(start):
            return service
    return "s3"


def _what(asked: Asked) -> str:
    target: Any = asked.headers.get("x-amz-target")
    if target:
        return str(target).rpartition(".")[2]
    return f"{asked.method} {asked.path.removeprefix('/storage/v1/').removeprefix('/rest/v1/')}"
