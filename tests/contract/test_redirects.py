"""A redirect is never followed: the secret key goes to the project's own address alone."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from supakeep.databases.data_api.database import SupabaseRestDatabase
from supakeep.errors import DatabaseError, StorageError
from supakeep.stores.supabase_storage import SupabaseObjectStore
from tests.builders.rest_calls import FOUR_ATTEMPTS, RestCalls
from tests.builders.tables import a_selection, a_table

KEY = "daily/backup_abc_2026-11-22.sql.json"
STATUSES = [301, 302, 303, 307, 308]


@dataclass
class Redirection:
    """A project's address that sends everybody elsewhere, and what went on to there."""

    url: str
    followed: list[str] = field(default_factory=list)


def server(
    answer: Callable[[BaseHTTPRequestHandler], None],
) -> tuple[ThreadingHTTPServer, threading.Thread]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            answer(self)

        do_POST = do_DELETE = do_GET  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            return None

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    return listening, thread


@pytest.fixture(params=STATUSES)
def redirection(request: pytest.FixtureRequest) -> Iterator[Redirection]:
    def take(handler: BaseHTTPRequestHandler) -> None:
        redirection.followed.append(f"{handler.command} {handler.path}")
        handler.send_response(200)
        handler.send_header("content-length", "0")
        handler.end_headers()

    def redirect(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(request.param)
        handler.send_header("location", f"http://127.0.0.1:{elsewhere.server_port}{handler.path}")
        handler.send_header("content-length", "0")
        handler.end_headers()

    elsewhere, taking = server(take)
    project, redirecting = server(redirect)
    redirection = Redirection(f"http://127.0.0.1:{project.server_port}")
    yield redirection
    for listening, thread in ((elsewhere, taking), (project, redirecting)):
        listening.shutdown()
        listening.server_close()
        thread.join()


def read(store: SupabaseObjectStore) -> bytes:
    with store.read(KEY) as pieces:
        return b"".join(pieces)


def test_storage_follows_no_redirect(redirection: Redirection) -> None:
    store = SupabaseObjectStore(redirection.url, "sb_secret_x", "backups")
    for attempt in (
        lambda: store.put(KEY, io.BytesIO(b"x")),
        lambda: read(store),
        lambda: list(store.list("daily/")),
        lambda: store.delete(KEY),
        lambda: store.signed_url(KEY, 60),
    ):
        with pytest.raises(StorageError):
            attempt()
    store._client.close()

    assert redirection.followed == []


def test_the_database_follows_no_redirect(redirection: Redirection) -> None:
    project = SupabaseRestDatabase(redirection.url, "sb_secret_x", retries=FOUR_ATTEMPTS)
    database = RestCalls(project)
    orders = a_table("orders")
    for attempt in (
        database.catalog,
        lambda: database.count(a_selection(orders)),
        lambda: database.upsert(orders, ["id"], [b'{"id":1}'], dry_run=False),
    ):
        with pytest.raises(DatabaseError):
            attempt()
    database.client._api.session.close()

    assert redirection.followed == []
