"""How errors are answered over HTTP."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from supakeep.errors import (
    BackupNotFoundError,
    ConfigurationError,
    DatabaseError,
    DeadlineExceededError,
    DecryptionError,
    ForbiddenError,
    IntegrityError,
    InvalidRequestError,
    LeaseHeldError,
    RestoreError,
    RunNotFoundError,
    StorageError,
    SupakeepError,
    UnauthorizedError,
    UnsafeOperationError,
    WrongKeysError,
)

log = logging.getLogger(__name__)


class BodyTooLargeError(InvalidRequestError):
    """The body is larger than any request of this API can be."""


class WrongMethodError(InvalidRequestError):
    """The path is known, and takes only the methods in `allowed`."""

    def __init__(self, method: str, path: str, allowed: tuple[str, ...]) -> None:
        self.allowed = allowed
        super().__init__(
            f"{method} is not allowed on {path}",
            operation="route",
            hint=f"It takes {' and '.join(allowed)}. docs/api.md lists the routes.",
        )


class UnknownRouteError(InvalidRequestError):
    """No route has this path."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"There is nothing at {path}", operation="route", hint="docs/api.md lists the routes."
        )


# the first class that fits decides
_STATUS: tuple[tuple[type[SupakeepError], HTTPStatus], ...] = (
    (UnauthorizedError, HTTPStatus.UNAUTHORIZED),
    (WrongKeysError, HTTPStatus.TOO_MANY_REQUESTS),
    (ForbiddenError, HTTPStatus.FORBIDDEN),
    (BodyTooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (WrongMethodError, HTTPStatus.METHOD_NOT_ALLOWED),
    (UnknownRouteError, HTTPStatus.NOT_FOUND),
    (InvalidRequestError, HTTPStatus.BAD_REQUEST),
    (BackupNotFoundError, HTTPStatus.NOT_FOUND),
    (RunNotFoundError, HTTPStatus.NOT_FOUND),
    (LeaseHeldError, HTTPStatus.CONFLICT),
    (UnsafeOperationError, HTTPStatus.CONFLICT),
    (IntegrityError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (DecryptionError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (RestoreError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (DatabaseError, HTTPStatus.BAD_GATEWAY),
    (StorageError, HTTPStatus.BAD_GATEWAY),
    (DeadlineExceededError, HTTPStatus.GATEWAY_TIMEOUT),
    (ConfigurationError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
_OTHERS = HTTPStatus.INTERNAL_SERVER_ERROR


def error_response(error: SupakeepError) -> Response[str]:
    """`{"error": message, "hint": …}`; for 401 only the word, and the fix in the header."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), _OTHERS)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s. %s", error.message, error.hint, exc_info=error)
    body = {"error": error.message}
    headers: dict[str, str | list[str]] = {"Cache-Control": "no-store"}
    if isinstance(error, WrongMethodError):
        headers["Allow"] = ", ".join(error.allowed)
    if isinstance(error, WrongKeysError):
        headers["Retry-After"] = f"{error.retry_after_seconds:.0f}"
        # where API Gateway's own answer of this status has it
        body["message"] = error.message
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = f'Bearer realm="supakeep", error_description="{error.hint}"'
    elif error.hint is not None:
        body["hint"] = error.hint
    return Response(status, "application/json", json.dumps(body), headers)


def invalid_request(error: RequestValidationError) -> InvalidRequestError:
    """What Powertools found wrong, with the name of the field or the parameter."""
    problem = error.errors()[0]
    place, *fields = problem.get("loc", ("body",))
    where = ".".join(str(field) for field in fields)
    what = _what(problem)
    if place == "query":
        message = f"?{where}=: {what}"
        hint = f"docs/api.md says what {where} may be on this route."
    else:
        message = f"{where}: {what}" if where else f"The body is not valid: {what}"
        hint = "Send a JSON object with the fields that docs/api.md lists for this route."
    return InvalidRequestError(message, operation="read request", hint=hint)


def not_json() -> InvalidRequestError:
    """The error for a body that is not JSON."""
    return InvalidRequestError(
        "The body is not valid: it is not JSON",
        operation="read request",
        hint="Send a JSON object with the fields that docs/api.md lists for this route.",
    )


def _what(problem: dict[str, Any]) -> str:
    if problem.get("type") == "extra_forbidden":
        return "is not a field of this request"
    return str(problem.get("msg", "is not valid"))
