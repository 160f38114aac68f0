"""Serves the dashboard's page and its assets: to anyone, since they hold nothing of the project."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from supakeep import dashboard

PAGE_PATH = "/admin/dashboard"

_ASSETS: Mapping[str, tuple[str, Callable[[], str]]] = {
    PAGE_PATH: ("text/html; charset=utf-8", dashboard.page),
    f"{PAGE_PATH}/app.js": ("text/javascript; charset=utf-8", dashboard.script),
    f"{PAGE_PATH}/style.css": ("text/css; charset=utf-8", dashboard.style),
}
# Everything comes from the stack itself; nothing is inline, framed, or sent elsewhere.
_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# the page names its assets by their version
_FOR_EVER = "public, max-age=31536000, immutable"


def is_dashboard(event: Mapping[str, Any]) -> bool:
    """Whether an HTTP request is for the page or below it."""
    path = path_of(event)
    return path == PAGE_PATH or path.startswith(f"{PAGE_PATH}/")


def serve(event: Mapping[str, Any]) -> dict[str, Any]:
    """Answers the request with an asset; 404 for one that does not exist, 405 for another method."""
    asset = _ASSETS.get(path_of(event))
    if asset is None:
        return _plain(HTTPStatus.NOT_FOUND)
    if event["requestContext"]["http"]["method"] not in ("GET", "HEAD"):
        return _plain(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD"})
    content_type, text = asset
    is_page = path_of(event) == PAGE_PATH
    headers = {
        **_SECURITY,
        "Content-Type": content_type,
        "Cache-Control": "no-cache" if is_page else _FOR_EVER,
        "Vary": "Accept-Encoding",
    }
    given = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    if "gzip" not in given.get("accept-encoding", ""):
        return _answer(HTTPStatus.OK, headers, text())
    return _answer(
        HTTPStatus.OK, {**headers, "Content-Encoding": "gzip"}, _packed(text), binary=True
    )


def path_of(event: Mapping[str, Any]) -> str:
    """The path without the stage, if the API has one in its paths."""
    path: str = event["rawPath"]
    stage = event["requestContext"].get("stage", "$default")
    return path.removeprefix(f"/{stage}") if stage != "$default" else path


@cache
def _packed(text: Callable[[], str]) -> str:
    return base64.b64encode(gzip.compress(text().encode(), mtime=0)).decode()


def _plain(status: HTTPStatus, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    return _answer(
        status,
        {**_SECURITY, "Content-Type": "text/plain; charset=utf-8", **(headers or {})},
        f"{status.phrase}\n",
    )


def _answer(
    status: HTTPStatus, headers: Mapping[str, str], body: str, *, binary: bool = False
) -> dict[str, Any]:
    return {
        "statusCode": int(status),
        "headers": dict(headers),
        "body": body,
        "isBase64Encoded": binary,
    }
