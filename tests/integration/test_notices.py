"""Who is told how runs end, over real HTTP."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import hmac
import json
import logging
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from supakeep.domain.manifest import Trigger
from supakeep.domain.notice import Notice, notice_of
from supakeep.domain.run import Run, RunKind, RunStatus, new_run_id
from supakeep.domain.summary import BackupSummary
from supakeep.errors import StorageError
from supakeep.wiring.notices import notifier_of
from tests.builders.manifests import a_manifest
from tests.fakes.time import NOON

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

SECRET = "the-secret-of-the-webhook-that-signs"


@dataclass
class Listener:
    """A server that keeps what it is told."""

    url: str = ""
    status: int = 200
    told: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [path for path, _, _ in self.told]

    @property
    def body(self) -> bytes:
        [(_, _, body)] = self.told
        return body


@pytest.fixture
def listener() -> Iterator[Listener]:
    heard = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.told.append((self.path, dict(self.headers), body))
            self.send_response(heard.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    heard.url = f"http://127.0.0.1:{server.server_port}/secret-path"
    yield heard
    server.shutdown()
    thread.join()
    server.server_close()


def a_run(kind: RunKind = RunKind.BACKUP) -> Run:
    run_id = new_run_id(NOON, "1a2b3c4d")
    return Run(id=run_id, kind=kind, trigger=Trigger.SCHEDULE, requested_at=NOON)


def failed(kind: RunKind = RunKind.BACKUP) -> Notice:
    error = StorageError(
        "canary: Key (email)=(ann@example.com)", operation="upload", hint="Create the bucket <now>."
    )
    return notice_of(a_run(kind).failed(NOON + dt.timedelta(minutes=1), error), "jewelshot")


def complete() -> Notice:
    result = BackupSummary.of(a_manifest(), ["primary"])
    return notice_of(a_run().ended(NOON, result), "jewelshot")


def test_trouble_is_told_as_signed_json_with_what_to_do_and_no_value(listener: Listener) -> None:
    notifier = notifier_of({"WEBHOOK_URL": listener.url, "WEBHOOK_SECRET": SECRET})

    notifier.ended(complete())
    notifier.ended(failed())

    [(path, headers, body)] = listener.told
    told = json.loads(body)
    assert path == "/secret-path"
    assert (told["event"], told["status"], told["project"]) == (
        "backup.failed",
        "failed",
        "jewelshot",
    )
    assert told["advice"].startswith("Create the bucket <now>. `supakeep runs ")
    assert b"canary" not in body
    assert b"ann@example.com" not in body
    signed = headers["X-Supakeep-Timestamp"].encode() + b"." + body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["X-Supakeep-Signature"] == f"sha256={expected}"


@pytest.mark.parametrize(
    ("format_", "member", "text"),
    [
        ("slack", "text", "Create the bucket &lt;now&gt;."),
        ("discord", "content", "Create the bucket <now>."),
    ],
)
def test_chats_get_their_own_format_and_nobody_is_called(
    listener: Listener, format_: str, member: str, text: str
) -> None:
    notifier_of({"WEBHOOK_URL": listener.url, "WEBHOOK_FORMAT": format_}).ended(failed())

    told = json.loads(listener.body)
    title, *_, advice = told[member].splitlines()
    assert title == "Supakeep: the backup of jewelshot failed"
    assert advice.startswith(f"What to do: {text}")
    assert told.get("allowed_mentions", {"parse": []}) == {"parse": []}


def test_every_end_is_told_where_that_is_asked_for(listener: Listener) -> None:
    notifier_of({"WEBHOOK_URL": listener.url, "WEBHOOK_ON": "all"}).ended(complete())

    told = json.loads(listener.body)
    assert (told["event"], told["status"]) == ("backup.complete", RunStatus.COMPLETE)
    assert told["advice"].startswith("nothing.")


def test_a_watchdog_is_pinged_when_a_backup_starts_and_how_it_ends(listener: Listener) -> None:
    notifier = notifier_of({"PING_URL": f"{listener.url}/"})

    notifier.started(a_run())
    notifier.ended(complete())
    notifier.ended(failed())
    notifier.started(a_run(RunKind.RESTORE))
    notifier.ended(failed(RunKind.RESTORE))

    assert listener.paths == ["/secret-path/start", "/secret-path", "/secret-path/fail"]
    assert b"What to do: Create the bucket" in listener.told[-1][2]


def test_a_ping_url_keeps_its_query(listener: Listener) -> None:
    notifier = notifier_of({"PING_URL": f"{listener.url}/?rid=1&create=1"})

    notifier.started(a_run())
    notifier.ended(complete())
    notifier.ended(failed())

    assert listener.paths == [
        f"/secret-path{suffix}?rid=1&create=1" for suffix in ("/start", "", "/fail")
    ]


def dribbling(connection: socket.socket, begin: bytes, more: bytes) -> None:
    """Answers, and never comes to an end."""
    with connection, contextlib.suppress(OSError):
        connection.recv(65536)
        connection.sendall(begin)
        while True:
            time.sleep(0.02)
            connection.sendall(more)


@pytest.fixture
def endless(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a server whose answer begins with and goes on with the parameter's bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    Thread(target=dribbling, args=(connection, *request.param), daemon=True).start()

        Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/secret-path"
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("endless", "problem"),
    [
        ((b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536), ""),
        ((b"HTTP/1.1 200 OK\r\nX-Filler: ", b"x"), "no answer within 0.3 seconds"),
    ],
    indirect=["endless"],
    ids=["body", "headers"],
)
def test_an_answer_without_an_end_is_not_waited_for(
    endless: str, problem: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supakeep.notices.http_notifier._SECONDS", 0.3)
    begun = time.monotonic()

    notifier_of({"WEBHOOK_URL": endless}).ended(failed())

    assert time.monotonic() - begun < 5
    assert problem in caplog.text
    assert bool(caplog.text) == bool(problem)


@pytest.mark.parametrize(("status", "tries"), [(500, 2), (404, 1), (302, 1)])
def test_what_cannot_be_told_is_logged_without_the_url_and_raises_nothing(
    listener: Listener, caplog: pytest.LogCaptureFixture, status: int, tries: int
) -> None:
    listener.status = status

    with caplog.at_level(logging.ERROR, "supakeep"):
        notifier_of({"WEBHOOK_URL": listener.url}).ended(failed())

    assert len(listener.told) == tries
    assert f"it answered {status}" in caplog.text
    assert "secret-path" not in caplog.text


def test_nobody_who_listens_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "supakeep"):
        notifier_of({"PING_URL": "http://127.0.0.1:1/secret-path"}).ended(failed())

    assert "The ping URL could not be told of a run" in caplog.text
    assert "secret-path" not in caplog.text
