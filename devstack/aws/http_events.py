"""HTTP API's payload format 2.0: requests into events, a function's answers into responses.

Source: 'Create AWS Lambda proxy integrations for HTTP APIs in API Gateway', AWS's developer guide.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from devstack.aws.intrinsics import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devstack.aws.template import Route
    from devstack.lambda_runtime.runtime import Invocation

TEXT_TYPES = ("application/json", "application/xml", "application/javascript")


@dataclass(frozen=True)
class Request:
    """An HTTP request; `target` is path and query as sent, `headers` in their order."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    source_ip: str = "127.0.0.1"

    @property
    def path(self) -> str:
        """The path, still percent-encoded."""
        return urlsplit(self.target).path

    def header_map(self) -> dict[str, str]:
        """Lower-case names, several values of one name joined by a comma."""
        joined: dict[str, str] = {}
        for name, value in self.headers:
            key = name.lower()
            joined[key] = f"{joined[key]},{value}" if key in joined else value
        return joined


@dataclass(frozen=True)
class Response:
    """An HTTP response."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()


def message(status: int, text: str) -> Response:
    """An answer of API Gateway's own."""
    body = json.dumps({"message": text}).encode()
    return Response(status, body, {"content-type": "application/json"})


def match(route: Route, request: Request) -> dict[str, str] | None:
    """The path parameters if a request takes a route, else None; `{name+}` takes the rest."""
    if route.method not in ("ANY", request.method):
        return None
    wanted, given = route.path.split("/"), request.path.split("/")
    if wanted[-1].endswith("+}") and len(given) > len(wanted):
        given = [*given[: len(wanted) - 1], "/".join(given[len(wanted) - 1 :])]
    if len(wanted) != len(given):
        return None
    parameters: dict[str, str] = {}
    for pattern, part in zip(wanted, given, strict=True):
        if pattern.startswith("{") and part:
            parameters[pattern.strip("{}+")] = unquote(part)
        elif pattern != part:
            return None
    return parameters


def choose(routes: Iterable[Route], request: Request) -> tuple[Route, dict[str, str]] | None:
    """The most specific route for a request: fixed paths before parameters, a method before ANY."""
    matching = [(r, p) for r in routes if (p := match(r, request)) is not None]
    return min(
        matching,
        key=lambda found: ("+}" in found[0].path, len(found[1]), found[0].method == "ANY"),
        default=None,
    )


def to_event(request: Request, route: Route, parameters: Mapping[str, str]) -> dict[str, Any]:
    """The event that the function gets; what the request lacks is absent, not empty."""
    headers = request.header_map()
    cookies = [part.strip() for part in headers.pop("cookie", "").split(";") if part.strip()]
    query = urlsplit(request.target).query
    domain = headers.get("host", "localhost")
    event = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": unquote(request.path),
        "rawQueryString": query,
        "cookies": cookies,
        "headers": headers,
        "queryStringParameters": query_parameters(query),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": domain,
            "domainPrefix": domain.split(".")[0],
            "http": {
                "method": request.method,
                "path": unquote(request.path),
                "protocol": "HTTP/1.1",
                "sourceIp": request.source_ip,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": uuid.uuid4().hex[:16],
            "routeKey": route.key,
            "stage": "$default",
            "time": f"{datetime.now(UTC):%d/%b/%Y:%H:%M:%S +0000}",
            "timeEpoch": int(time.time() * 1000),
        },
        "pathParameters": dict(parameters),
    }
    optional = ("cookies", "queryStringParameters", "pathParameters")
    event = {key: value for key, value in event.items() if value or key not in optional}
    return event | encode_body(request.body, headers.get("content-type", ""))


def query_parameters(query: str) -> dict[str, str]:
    """Decoded parameters, several values of one name joined by a comma."""
    joined: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def encode_body(body: bytes, content_type: str) -> dict[str, Any]:
    """A body as an event carries it: text as it is, anything else (a form, too) in base64."""
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        return {"isBase64Encoded": False}
    if not kind or kind.startswith("text/") or kind in TEXT_TYPES:
        try:
            return {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def to_response(result: Invocation) -> Response:
    """A function's result as a response: a failed function, or one whose answer has the wrong form,
    is a 500.
    """
    if result.error is not None:
        return message(500, "Internal Server Error")
    value = result.value()
    if not isinstance(value, dict) or "statusCode" not in value:
        body = value if isinstance(value, str) else json.dumps(value)
        return Response(200, body.encode(), {"content-type": "application/json"})
    try:
        return _from_proxy_answer(value)
    except (AttributeError, TypeError, ValueError):
        return message(500, "Internal Server Error")


def _from_proxy_answer(value: dict[str, Any]) -> Response:
    text = value.get("body") or ""
    body = base64.b64decode(text) if value.get("isBase64Encoded") else text.encode()
    headers = {name.lower(): str(item) for name, item in (value.get("headers") or {}).items()}
    # powertools gives values that may repeat here
    for name, items in (value.get("multiValueHeaders") or {}).items():
        headers[name.lower()] = ",".join(items)
    headers.setdefault("content-type", "text/plain;charset=UTF-8")
    return Response(int(value["statusCode"]), body, headers, tuple(value.get("cookies") or ()))
