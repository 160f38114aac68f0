"""A server that breaks off, answers slowly or not at all: no store ever takes that for an end."""

from __future__ import annotations

import io
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from supakeep.aws.secrets import read_secret
from supakeep.databases.data_api.database import SupabaseRestDatabase
from supakeep.errors import (
    ConfigurationError,
    DatabaseUnavailableError,
    StorageUnavailableError,
)
from supakeep.ports import ObjectStore
from supakeep.runs.dynamodb import DynamoDbRunStore
from supakeep.stores.s3 import S3ObjectStore
from supakeep.stores.supabase_storage import SupabaseObjectStore
from supakeep.wiring import FOR_ANSWERS
from supakeep.wiring.clients import Access, aws_client
from tests.builders.rest_calls import FOUR_ATTEMPTS, RestCalls

KEY = "daily/backup_abc_2026-11-22.sql.json"


@dataclass
class BreakingServer:
    """Sends `answer` to every request, whatever it is, and closes the connection."""

    answer: bytes
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                read_request(connection)
                connection.sendall(self.answer)

    def close(self) -> None:
        # wakes the thread that waits in accept()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def read_request(connection: socket.socket) -> None:
    """All of it: closing a connection with unread bytes resets it, and the client may see that first."""
    received = b""
    while b"\r\n\r\n" not in received and (piece := connection.recv(65536)):
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    left = int(length[1]) - len(body) if length else 0
    while left > 0 and (piece := connection.recv(65536)):
        left -= len(piece)


Serve = Callable[[bytes], BreakingServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[tuple[BreakingServer, threading.Thread]] = []

    def start(answer: bytes) -> BreakingServer:
        server = BreakingServer(answer)
        thread = threading.Thread(target=server.serve)
        thread.start()
        servers.append((server, thread))
        return server

    yield start
    for server, thread in servers:
        server.close()
        thread.join()


@pytest.fixture(params=["s3", "supabase"])
def store_at(request: pytest.FixtureRequest) -> Iterator[Callable[[str], ObjectStore]]:
    """Makes a store of each kind whose server is at this address."""
    with httpx.Client(timeout=5) as http:

        def make(url: str) -> ObjectStore:
            if request.param == "supabase":
                return SupabaseObjectStore(url, "key", "backups", client=http)
            session = boto3.Session("key-id", "key", region_name="us-east-1")
            config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
            client = session.client("s3", endpoint_url=url, config=config)
            request.addfinalizer(client.close)
            return S3ObjectStore(client, "backups")

        yield make


StoreAt = Callable[[str], ObjectStore]


@pytest.mark.parametrize("sent", [0, 1, 60_000])
def test_a_download_that_is_cut_short_is_a_failure_and_no_end(
    serve: Serve, store_at: StoreAt, sent: int
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    store = store_at(serve(head + b"x" * sent).url)

    with pytest.raises(StorageUnavailableError), store.read(KEY) as pieces:
        list(pieces)


def test_a_chunked_download_that_is_cut_short_is_a_failure_and_no_end(
    serve: Serve, store_at: StoreAt
) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    store = store_at(serve(head + b"5\r\nhello\r\n5\r\nhe").url)

    with pytest.raises(StorageUnavailableError), store.read(KEY) as pieces:
        list(pieces)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n"])
def test_an_answer_that_does_not_come_fails_every_operation(
    serve: Serve, store_at: StoreAt, answer: bytes
) -> None:
    store = store_at(serve(answer).url)

    with pytest.raises(StorageUnavailableError):
        store.put(KEY, io.BytesIO(b"content"))
    with pytest.raises(StorageUnavailableError):
        list(store.list("daily/"))
    with pytest.raises(StorageUnavailableError), store.read(KEY):
        pass
    with pytest.raises(StorageUnavailableError):
        store.delete(KEY)


def test_a_server_that_is_gone_fails_every_operation(serve: Serve, store_at: StoreAt) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    store = store_at(url)

    with pytest.raises(StorageUnavailableError):
        list(store.list("daily/"))
    with pytest.raises(StorageUnavailableError):
        store.put(KEY, io.BytesIO(b"content"))


@pytest.fixture
def aws_at() -> Iterator[Callable[[str, str], Any]]:
    """Makes a client as the functions have it, whose service is at this address."""
    clients = []

    def make(service: str, url: str) -> Any:
        access = Access(endpoint=url, key_id="id", secret_key="key")
        once = replace(FOR_ANSWERS, aws_attempts=1)
        clients.append(aws_client(service, once, "us-east-1", access))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.mark.parametrize("sent", [b"", b"{", b'{"Item": {}}'])
def test_an_answer_of_aws_that_is_cut_short_is_not_an_answer_without_fields(
    serve: Serve, aws_at: Callable[[str, str], Any], sent: bytes
) -> None:
    url = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + sent).url
    runs = DynamoDbRunStore(aws_at("dynamodb", url), "runs", "abc")

    with pytest.raises(
        StorageUnavailableError, match="DynamoDB did not answer: the answer was cut"
    ):
        runs.get("20261122T120000Z-1a2b3c4d")
    with pytest.raises(StorageUnavailableError):
        runs.list(10)
    with pytest.raises(ConfigurationError, match="could not be read"):
        read_secret(aws_at("secretsmanager", url), "supakeep")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (b"200 OK", "did not answer: the answer is a page for a browser"),
        (b"403 Forbidden", "did not answer: the answer is a page for a browser"),
        # boto3 tries it again, as it does each answer of a server that failed
        (b"502 Bad Gateway", "could not answer: 502"),
    ],
)
def test_a_page_of_a_proxy_is_no_answer_of_aws(
    serve: Serve, aws_at: Callable[[str, str], Any], status: bytes, said: str
) -> None:
    page = b"<html>a proxy</html>"
    head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(page))
    runs = DynamoDbRunStore(aws_at("dynamodb", serve(head + page).url), "runs", "abc")

    with pytest.raises(StorageUnavailableError, match=f"DynamoDB {said}"):
        runs.get("20261122T120000Z-1a2b3c4d")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_database_that_breaks_off_is_unavailable(serve: Serve, answer: bytes) -> None:
    with httpx.Client(timeout=5) as http:
        url = serve(answer).url
        database = RestCalls(SupabaseRestDatabase(url, "key", client=http, retries=FOUR_ATTEMPTS))

        with pytest.raises(DatabaseUnavailableError):
            database.catalog()
