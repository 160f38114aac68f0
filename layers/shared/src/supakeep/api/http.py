"""HTTP: who may call, and the routes' common ground."""

from __future__ import annotations

import logging
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from supakeep.api.access import address_of
from supakeep.api.bodies import with_json_body
from supakeep.api.errors import (
    UnknownRouteError,
    WrongMethodError,
    error_response,
    invalid_request,
)
from supakeep.api.request import Requests
from supakeep.api.routes import methods_of
from supakeep.domain.backup_name import LATEST, BackupName
from supakeep.domain.run import validated_run_id
from supakeep.errors import (
    ForbiddenError,
    InvalidRequestError,
    SupakeepError,
    UnauthorizedError,
    WrongKeysError,
)
from supakeep.retries import patience

log = logging.getLogger(__name__)


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
        _admit(event, requests)
        event = with_json_body(event)
    except SupakeepError as error:
        log.warning("%s. %s", error.message, error.hint)
        return _serialized(error_response(error))
    with patience(deadline=request.last_step):
        return resolver.resolve(event, context)


def _admit(event: dict[str, Any], requests: Requests) -> None:
    """Raises an error unless the key is right, the route is there, and the key is good for it. A path
    that ROUTES does not know is never resolved, so no route can lack its scope.
    """
    asked, request = APIGatewayProxyEventV2(event), requests()
    try:
        request.caller = requests.callers.identify(event, asked.path, request.project)
        scope = (methods_of(asked.path) or {}).get(asked.http_method)
        if scope is None:
            raise _unknown_route(asked)
        request.caller.require(scope)
    except (UnauthorizedError, WrongKeysError, ForbiddenError) as error:
        asked_for = f"{asked.http_method} {asked.path}"
        requests.refusals.record(request.audit_log, asked_for, address_of(event), error)
        raise


def _unknown_route(event: APIGatewayProxyEventV2) -> SupakeepError:
    """API Gateway let the path through, so either a name in it is wrong, or the method."""
    try:
        _check_path_parameters(event)
    except InvalidRequestError as error:
        return error
    methods = methods_of(event.path)
    if methods is not None:
        return WrongMethodError(event.http_method, event.path, tuple(methods))
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
