"""Calls of Supakeep's database functions through the Data API."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event
from typing import Any

import httpx
from postgrest import SyncPostgrestClient
from postgrest.exceptions import APIError

from supakeep.databases.data_api.errors import (
    gateway_error,
    no_answer,
    raise_for_gateway,
    raise_mapped,
    transport_error,
)
from supakeep.domain.schema import Table
from supakeep.errors import StatementTimeoutError
from supakeep.no_answer import no_answer_of
from supakeep.retries import OUTAGE_SECONDS, retrying
from supakeep.supabase_gateway import key_headers
from supakeep.tls import tls_context

_TIMEOUT = httpx.Timeout(90.0, connect=10.0)


@dataclass(frozen=True)
class Retries:
    """How a call that fails is repeated: as long as an outage may last, or for some attempts."""

    first_pause_seconds: float = 0.5
    attempts: int | None = None
    sleep: Callable[[float], Any] | None = None


USUAL = Retries()


class DataApiClient:
    """One project's Data API.

    `url` is the project's (`https://<ref>.supabase.co`), `key` its secret key or service_role JWT.
    """

    def __init__(
        self, url: str, key: str, *, client: httpx.Client | None = None, retries: Retries = USUAL
    ) -> None:
        client = client or _Client(verify=tls_context(), timeout=_TIMEOUT, follow_redirects=False)
        client.event_hooks["response"].append(raise_for_gateway)
        self._api = SyncPostgrestClient(
            f"{url.rstrip('/')}/rest/v1",
            headers=key_headers(key),
            http_client=client,
        )
        self._retries = retries

    def call(
        self,
        function: str,
        request: Mapping[str, Any] | None,
        table: Table | None = None,
        *,
        writing: bool = False,
        repeat_timeouts: bool = True,
        abandoned: Event | None = None,
    ) -> Any:
        """What the function answers, after as many attempts as it takes and time allows. A call that
        writes is repeated as well: each function comes to the same when it is called again.

        Raises as of SourceDatabase; StatementTooLargeError or StatementTimeoutError where fewer
        rows at a time may pass: who can ask for fewer does not want timeouts repeated.
        """
        arguments = {} if request is None else {"request": json.dumps(request)}
        repeat = retrying(
            attempts=self._retries.attempts,
            first_pause_seconds=self._retries.first_pause_seconds,
            give_up_after_seconds=OUTAGE_SECONDS,
            abandoned=abandoned,
            sleep=self._retries.sleep,
        )
        # handed past the retrying, which refers to itself and would keep a page of rows with it
        # until the garbage collection
        answers: list[Any] = []

        def attempt() -> None:
            try:
                answers.append(self._call_once(function, arguments, table, writing=writing))
            except StatementTimeoutError as exc:
                if repeat_timeouts:
                    raise
                answers.append(exc)

        repeat(attempt)
        answer = answers.pop()
        if isinstance(answer, StatementTimeoutError):
            raise answer
        return answer

    def _call_once(
        self, function: str, arguments: dict[str, str], table: Table | None, *, writing: bool
    ) -> Any:
        began = time.monotonic()
        try:
            answer = self._api.rpc(function, arguments).execute().data
        except APIError as exc:
            raise_mapped(exc, table, writing=writing)
        except httpx.HTTPStatusError as exc:
            waited = time.monotonic() - began
            raise gateway_error(function, exc.response, table, waited_seconds=waited) from exc
        except httpx.HTTPError as exc:
            raise transport_error(function, exc, table) from exc
        except ValueError as exc:
            # an answer of 200 that is not JSON, such as a proxy's page
            raise no_answer(function, no_answer_of(exc).reason, table) from exc
        if not isinstance(answer, dict):
            raise no_answer(function, "something other than its function", table)
        return answer


class _Client(httpx.Client):
    """A client whose answers are gone when nobody uses them any more.

    httpx's refer to themselves by their stream, and would keep a page of rows with them until the
    garbage collection.
    """

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        response = super().send(request, **options)
        if response.is_closed:
            response.stream = httpx.ByteStream(b"")
        return response


def named(table: Table) -> dict[str, Any]:
    """The part of a request that says which table it is about."""
    return {"schema": table.schema_name, "table": table.name}
