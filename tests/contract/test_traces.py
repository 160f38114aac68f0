"""What X-Ray's daemon is sent: the datagram itself, from a socket in the daemon's place."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

from supakeep.aws.traces import traced
from supakeep.errors import StorageError

pytestmark = [pytest.mark.contract, pytest.mark.enable_socket]

ROOT, PARENT = "1-6924f0a1-0123456789abcdef01234567", "53995c3f42cd8ad8"


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(5)
        host, port = listening.getsockname()
        monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", f"{host}:{port}")
        monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root={ROOT};Parent={PARENT};Sampled=1;Lineage=1:a")
        monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "my-stack")
        yield listening


def received(daemon: socket.socket) -> dict[str, Any]:
    header, _, document = daemon.recv(65536).partition(b"\n")
    assert json.loads(header) == {"format": "json", "version": 1}
    fields: dict[str, Any] = json.loads(document)
    return fields


def test_an_invocation_is_a_subsegment_of_lambdas_own_segment(daemon: socket.socket) -> None:
    handler = traced(lambda event, _: {"got": event})

    assert handler({"a": 1}, None) == {"got": {"a": 1}}

    sent = received(daemon)
    assert (sent["type"], sent["trace_id"], sent["parent_id"]) == ("subsegment", ROOT, PARENT)
    assert len(sent["id"]) == 16
    assert sent["start_time"] <= sent["end_time"]
    assert sent["annotations"] == {"ColdStart": True, "Service": "my-stack"}
    assert "fault" not in sent
    handler({}, None)
    assert received(daemon)["annotations"]["ColdStart"] is False


def test_what_ended_a_run_is_in_its_trace_and_still_raised(daemon: socket.socket) -> None:
    def fail(*_: object) -> NoReturn:
        raise StorageError("The bucket is full" + "!" * 100_000, operation="upload")

    with pytest.raises(StorageError):
        traced(fail)({}, None)

    sent = received(daemon)
    assert sent["fault"] is True
    [cause] = sent["cause"]["exceptions"]
    assert cause["type"] == "StorageError"
    assert cause["message"].startswith("The bucket is full!")
    assert len(cause["message"]) == 4096


def test_a_trace_that_cannot_be_sent_fails_nothing(
    daemon: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in ("127.0.0.1:0", "127.0.0.1:", "no.such.host.invalid:2000", ""):
        monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", address)
        assert traced(lambda *_: {"fine": True})({}, None) == {"fine": True}
