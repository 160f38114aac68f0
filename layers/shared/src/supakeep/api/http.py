"""HTTP: who may call, and the routes' common ground."""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from pydantic import SecretStr

from supakeep.api.bodies import with_json_body
from supakeep.api.errors import (
    UnknownRouteError,
    WrongMethodError,
    error_response,
    invalid_request,
)
from supakeep.api.openapi_route import PATH as OPENAPI_PATH
from supakeep.api.request import Requests
from supakeep.domain.backup_name import LATEST, BackupName
from supakeep.domain.run import validated_run_id
from supakeep.errors import InvalidRequestError, SupakeepError, UnauthorizedError
from supakeep.retries import patience
from supakeep.settings import Settings

log = logging.getLogger(__name__)

CRON_PATH = "/api/cron/"

# The paths of template.yaml with their methods, for the header Allow.
METHODS: Mapping[str, tuple[str, ...]] = {
    OPENAPI_PATH: ("GET",),
    "/api/admin/backup": ("POST",),
    "/api/cron/backup": ("GET", "POST"),
    "/api/admin/restore": ("POST",),
    "/api/admin/restore/undo": ("POST",),
    "/api/admin/prune": ("POST",),
    "/api/admin/backups": ("GET",),
    "/api/admin/backups/{name}": ("GET",),
    "/api/admin/backups/{name}/download": ("GET",),
    "/api/admin/backups/{name}/verify": ("POST",),
    "/api/admin/backups/{name}/copy": ("POST",),
    "/api/admin/backups/{name}/pin": ("PUT", "DELETE"),
    "/api/admin/drills": ("POST",),
    "/api/admin/ledger": ("GET",),
    "/api/admin/overview": ("GET",),
    "/api/admin/settings": ("GET",),
    "/api/admin/retention": ("GET",),
    "/api/admin/runs": ("GET",),
    "/api/admin/runs/{id}": ("GET",),
}


def create_resolver() -> APIGatewayHttpResolver:
    """A resolver that validates requests and answers every error of ours as JSON."""
    resolver = APIGatewayHttpResolver(enable_validation=True)

    def _invalid(error: RequestValidationError) -> Response[str]:
        return error_response(invalid_request(error))

    # called rather than used as decorators, which Powertools leaves untyped
    resolver.exception_handler(SupakeepError)(error_response)
    resolver.exception_handler(RequestValidationError)(_invalid)

    @resolver.not_found
    def _not_found(_: NotFoundError) -> Response[str]:
        return error_response(_unknown_route(resolver.current_event))

    return resolver


def answer(
    resolver: APIGatewayHttpResolver, requests: Requests, event: dict[str, Any], context: Any
) -> dict[str, Any]:
    """Answers one HTTP request; the key is checked before anything else is looked at.

    Settings that are wrong are reported to anyone who asks: without them no key can be checked.
    """
    try:
        request = requests.begin(event)
        authorize(event, request.project.settings)
        event = with_json_body(event)
    except SupakeepError as error:
        log.warning("%s. %s", error.message, error.hint)
        return _serialized(error_response(error))
    with patience(deadline=request.last_step):
        return resolver.resolve(event, context)


def authorize(event: Mapping[str, Any], settings: Settings) -> None:
    """Raises UnauthorizedError, the same for a wrong key, a missing one, and none configured."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    wanted = settings.cron_secret if event["rawPath"].startswith(CRON_PATH) else settings.admin_key
    if not _is_bearer_of(headers.get("authorization", ""), wanted):
        raise UnauthorizedError


def _is_bearer_of(header: str, wanted: SecretStr | None) -> bool:
    scheme, _, given = header.partition(" ")
    secret = wanted.get_secret_value() if wanted else ""
    # compared even where nothing can match, so that the time gives nothing away
    same = hmac.compare_digest(given.strip().encode(), secret.encode())
    return same and bool(secret) and scheme.lower() == "bearer"


def _unknown_route(event: APIGatewayProxyEventV2) -> SupakeepError:
    """API Gateway let the path through, so either a name in it is wrong, or the method."""
    try:
        _check_path_parameters(event)
    except InvalidRequestError as error:
        return error
    for path, methods in METHODS.items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), event.path):
            return WrongMethodError(event.http_method, event.path, methods)
    return UnknownRouteError(event.path)


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
