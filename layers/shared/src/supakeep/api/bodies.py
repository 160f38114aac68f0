"""The body of a request: its size, and that it is JSON."""

from __future__ import annotations

import base64
import json
from typing import Any

from supakeep.api.errors import BodyTooLargeError, not_json

MAX_BODY_BYTES = 64 * 1024
# three bytes are four characters, and the last ones are padded
_MAX_BASE64_CHARACTERS = -(-MAX_BODY_BYTES // 3) * 4


def with_json_body(event: dict[str, Any]) -> dict[str, Any]:
    """The event with a plain body that is read as JSON, whatever its sender (such as `curl -d`)
    called it. Raises BodyTooLargeError, or InvalidRequestError for one that is not JSON.
    """
    others = {k: v for k, v in (event.get("headers") or {}).items() if k.lower() != "content-type"}
    headers = {**others, "content-type": "application/json"}
    if not event.get("body"):
        return {**event, "headers": headers}
    try:
        content = _content(event["body"], is_base64=bool(event.get("isBase64Encoded")))
        text = content.decode()
        json.loads(text)
    except (ValueError, RecursionError):
        raise not_json() from None
    return {**event, "headers": headers, "body": text, "isBase64Encoded": False}


def _content(body: str, *, is_base64: bool) -> bytes:
    """Raises BodyTooLargeError whatever the body holds, and ValueError for what is not base64."""
    if is_base64 and len(body) > _MAX_BASE64_CHARACTERS:
        raise _too_large()
    content = base64.b64decode(body) if is_base64 else body.encode()
    if len(content) > MAX_BODY_BYTES:
        raise _too_large()
    return content


def _too_large() -> BodyTooLargeError:
    return BodyTooLargeError(
        f"The body is larger than {MAX_BODY_BYTES:,} bytes",
        operation="read request",
        hint="A request names a backup and its tables; it holds no data.",
    )
