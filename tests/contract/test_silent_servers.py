"""Servers that take a connection and never answer, as an HTTP request meets them."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest

from supakeep.api.http import answer, create_resolver
from supakeep.api.request import LAST_ANSWER_SECONDS, Requests
from supakeep.api.stored_backup_routes import add_stored_backup_routes
from supakeep.wiring import FOR_ANSWERS, SupabaseProject
from tests.builders.lambda_events import InvocationContext, http_event, settings

pytestmark = pytest.mark.integration


@pytest.fixture
def silent_url() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_storage_that_never_answers_is_reported_before_the_gateway_gives_up(
    silent_url: str,
) -> None:
    project = SupabaseProject(settings(supabase_url=silent_url), FOR_ANSWERS)
    requests, resolver = Requests(lambda: project), create_resolver()
    add_stored_backup_routes(resolver, requests)
    event = http_event("GET", "/api/admin/backups")
    event["requestContext"]["timeEpoch"] = int(time.time() * 1000)
    began = time.monotonic()

    answered = answer(resolver, requests, event, InvocationContext())

    assert time.monotonic() - began < LAST_ANSWER_SECONDS
    assert answered["statusCode"] in (502, 504)
    assert json.loads(answered["body"])["error"]
