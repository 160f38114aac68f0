"""HTTP: who may call, how errors are answered, and the routes' common ground."""

from __future__ import annotations

import base64
import hmac
import json
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from pydantic import SecretStr

from supakeep.domain.backup_name import LATEST, BackupName
from supakeep.domain.run import validated_run_id
from supakeep.errors import (
    BackupNotFoundError,
    ConfigurationError,
    DatabaseError,
    DatabasePermissionError,
    IntegrityError,
    InvalidRequestError,
    LeaseHeldError,
    RestoreError,
    RunNotFoundError,
    StorageError,
    SupakeepError,
    UnauthorizedError,
    UnsafeOperationError,
)
from supakeep.ports import Project
from supakeep.retries import patience
from supakeep.settings import Settings

log = logging.getLogger(__name__)

# the gateway waits for 30 seconds, and the last attempt takes time as well
_ANSWER_SECONDS = 8

MAX_BODY_BYTES = 64 * 1024
CRON_PATH = "/api/cron/"

# the first class that fits decides
_STATUS: tuple[tuple[type[SupakeepError], int], ...] = (
    (UnauthorizedError, 401),
    (InvalidRequestError, 400),
    (BackupNotFoundError, 404),
    (RunNotFoundError, 404),
    (LeaseHeldError, 409),
    (UnsafeOperationError, 409),
    (IntegrityError, 422),
    (RestoreError, 422),
    (DatabasePermissionError, 502),
    (DatabaseError, 502),
    (StorageError, 502),
    (ConfigurationError, 500),
)


class ServedProject(Project, Protocol):
    """A project whose settings hold the keys of those who may call."""

    @property
    def settings(self) -> Settings: ...


class BodyTooLargeError(InvalidRequestError):
    """The body is larger than any request of this API can be."""


class WrongMethodError(InvalidRequestError):
    """The path is known, and not with this method."""


def create_resolver() -> APIGatewayHttpResolver:
    """A resolver that validates requests and answers every error of ours as JSON."""
    resolver = APIGatewayHttpResolver(enable_validation=True)

    def _invalid(error: RequestValidationError) -> Response[str]:
        return error_response(_invalid_request(error))

    # called rather than used as decorators, which Powertools leaves untyped
    resolver.exception_handler(SupakeepError)(error_response)
    resolver.exception_handler(RequestValidationError)(_invalid)

    @resolver.not_found
    def _not_found(_: NotFoundError) -> Response[str]:
        return error_response(_unknown_route(resolver.current_event))

    return resolver


def answer(
    resolver: APIGatewayHttpResolver,
    project: Callable[[], ServedProject],
    event: dict[str, Any],
    context: Any,
) -> dict[str, Any]:
    """Answers one HTTP request; the key is checked before anything else is looked at.

    Settings that are wrong are reported to anyone who asks: without them no key can be checked.
    """
    try:
        authorize(event, project().settings)
        event = _with_json_body(event)
    except SupakeepError as error:
        log.warning("%s. %s", error.message, error.hint)
        return _serialized(error_response(error))
    with patience(seconds=_ANSWER_SECONDS):
        return resolver.resolve(event, context)


def _with_json_body(event: dict[str, Any]) -> dict[str, Any]:
    """The event with a plain body that is read as JSON, whatever its sender (`curl -d`, say) called
    it. Raises InvalidRequestError for one that is too large or no JSON.
    """
    others = {k: v for k, v in (event.get("headers") or {}).items() if k.lower() != "content-type"}
    headers = {**others, "content-type": "application/json"}
    body = event.get("body")
    if not body:
        return {**event, "headers": headers}
    if len(body.encode()) > 2 * MAX_BODY_BYTES:
        raise _too_large()
    try:
        text = base64.b64decode(body).decode() if event.get("isBase64Encoded") else body
        json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidRequestError(
            "The body is not valid: it is not JSON",
            operation="read request",
            hint="Send a JSON object with the fields that docs/api.md lists for this route.",
        ) from None
    if len(text.encode()) > MAX_BODY_BYTES:
        raise _too_large()
    return {**event, "headers": headers, "body": text, "isBase64Encoded": False}


def authorize(event: Mapping[str, Any], settings: Settings) -> None:
    """Raises UnauthorizedError, the same for a wrong key, a missing one, and none configured."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    wanted = settings.cron_secret if event["rawPath"].startswith(CRON_PATH) else settings.admin_key
    if not _is_bearer_of(headers.get("authorization", ""), wanted):
        raise UnauthorizedError


def error_response(error: SupakeepError) -> Response[str]:
    """`{"error": message, "hint": …}`; for 401 nothing but the word, and the fix in the header."""
    status = _status(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s. %s", error.message, error.hint, exc_info=error)
    body = {"error": error.message}
    headers: dict[str, str | list[str]] = {"Cache-Control": "no-store"}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = f'Bearer realm="supakeep", error_description="{error.hint}"'
    elif error.hint is not None:
        body["hint"] = error.hint
    return Response(status, "application/json", json.dumps(body), headers)


def _is_bearer_of(header: str, wanted: SecretStr | None) -> bool:
    scheme, _, given = header.partition(" ")
    secret = wanted.get_secret_value() if wanted else ""
    # compared even where nothing can match, so that the time tells nothing
    same = hmac.compare_digest(given.strip().encode(), secret.encode())
    return same and bool(secret) and scheme.lower() == "bearer"


def _too_large() -> BodyTooLargeError:
    return BodyTooLargeError(
        f"The body is larger than {MAX_BODY_BYTES:,} bytes",
        operation="read request",
        hint="A request names a backup and its tables; it holds no data.",
    )


def _status(error: SupakeepError) -> int:
    if isinstance(error, BodyTooLargeError):
        return 413
    if isinstance(error, WrongMethodError):
        return 405
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def _invalid_request(error: RequestValidationError) -> InvalidRequestError:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem.get("loc", ()) if part != "body")
    what = problem.get("msg", "is not valid")
    if problem.get("type") == "extra_forbidden":
        what = "is not a field of this request"
    if problem.get("type") == "json_invalid":
        where, what = "", "it is not JSON"
    return InvalidRequestError(
        f"{where}: {what}" if where else f"The body is not valid: {what}",
        operation="read request",
        hint="Send a JSON object with the fields that docs/api.md lists for this route.",
    )


def _unknown_route(event: APIGatewayProxyEventV2) -> SupakeepError:
    """API Gateway let the path through, so either a name in it is wrong, or the method."""
    try:
        _check_path_parameters(event)
    except InvalidRequestError as error:
        return error
    return WrongMethodError(
        f"{event.http_method} is not allowed on {event.path}",
        operation="route",
        hint="docs/api.md lists the routes and their methods.",
    )


def _check_path_parameters(event: APIGatewayProxyEventV2) -> None:
    parameters = event.path_parameters or {}
    if parameters.get("name", LATEST) != LATEST:
        BackupName.parse(parameters["name"])
    if "id" in parameters:
        validated_run_id(parameters["id"])


def _serialized(response: Response[str]) -> dict[str, Any]:
    return {
        "statusCode": response.status_code,
        "headers": {"Content-Type": response.content_type, **response.headers},
        "body": response.body,
        "isBase64Encoded": False,
    }
