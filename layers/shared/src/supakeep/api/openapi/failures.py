"""The errors that a route can answer, each with an example."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from supakeep.api.openapi.operations import ADMIN_KEY, Operation

ERROR_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "What went wrong, and how to fix it.",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "hint": {"type": "string"}},
    "additionalProperties": False,
}
GATEWAY_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "An answer of API Gateway's own.",
    "required": ["message"],
    "properties": {"message": {"type": "string"}},
}

# the component's name, what it means, an example
_Failure = tuple[str, str, Mapping[str, str]]

_FAILURES: Mapping[int, _Failure] = {
    400: (
        "BadRequest",
        "The request is malformed, or the engine cannot do what it asks.",
        {
            "error": "'nonsense' is not a run ID",
            "hint": "A run ID looks like 20261122T030000Z-1a2b3c4d. The answer to starting a run has it.",
        },
    ),
    401: (
        "Unauthorized",
        "The key is wrong or missing. The header `WWW-Authenticate` says how to send it.",
        {"error": "Unauthorized"},
    ),
    403: (
        "Forbidden",
        "The key lacks the scope that the route demands.",
        {
            "error": "The key ci-2026-11 lacks the scope restore",
            "hint": "Use a key that has it. `supakeep keys add NAME --scope restore` makes one.",
        },
    ),
    404: (
        "NotFound",
        "There is no such backup or run.",
        {
            "error": "No run has the ID 20261122T030000Z-1a2b3c4d",
            "hint": "Runs are kept for 30 days; GET /api/admin/runs lists the newest.",
        },
    ),
    409: (
        "Conflict",
        "Another run is at work, or the restore was not confirmed.",
        {
            "error": "Run 20261122T030000Z-1a2b3c4d is at work on this project",
            "hint": "Wait for its end (GET /api/admin/runs/{id}); the lease of a crashed run ends by "
            "itself after five minutes.",
        },
    ),
    413: (
        "TooLarge",
        "The body is larger than 64 KiB.",
        {
            "error": "The body is larger than 65,536 bytes",
            "hint": "A request names a backup and its tables; it holds no data.",
        },
    ),
    422: (
        "Damaged",
        "The backup is damaged, or the chosen table is incomplete in it.",
        {
            "error": "Table public.batch_images is incomplete in backup_jewelshot-local_2026-11-22",
            "hint": "Restore it from another backup, or leave it out.",
        },
    ),
    500: (
        "WrongSettings",
        "The settings are wrong.",
        {
            "error": "SUPABASE_SERVICE_ROLE_KEY is not set",
            "hint": "Copy the secret key (sb_secret_…) from the dashboard, API keys; in AWS it is in "
            "the secret.",
        },
    ),
    502: (
        "Refused",
        "Supabase or AWS refused, or did not answer.",
        {
            "error": "Upload failed: Storage bucket not found",
            "hint": "Create the private bucket, or apply the migration (supakeep migration).",
        },
    ),
    504: (
        "TooSlow",
        "Supabase or AWS took too long. Nothing was started.",
        {
            "error": "Supabase or AWS took too long to answer this request; nothing was started",
            "hint": "Try again. If it happens each time, look at the function's log, and ask from the "
            "command line, which has more time.",
        },
    ),
}
_GATEWAYS: Mapping[int, _Failure] = {
    429: (
        "Throttled",
        "Too many requests at once; or too many wrong keys from one address: `Retry-After` has the seconds.",
        {"message": "Too Many Requests"},
    ),
    503: ("Unavailable", "The function did not answer.", {"message": "Service Unavailable"}),
}


def failure_components() -> dict[str, Any]:
    """The components' `responses`, by name."""
    ours = {failure[0]: _response("Error", failure) for failure in _FAILURES.values()}
    gateways = {failure[0]: _response("GatewayMessage", failure) for failure in _GATEWAYS.values()}
    return {**ours, **gateways}


def failures_of(operation: Operation, described: Mapping[str, Any]) -> dict[str, Any]:
    """The errors of a route, by status; `described` is its operation in the document."""
    everything = {**_FAILURES, **_GATEWAYS}
    return {
        str(status): {"$ref": f"#/components/responses/{everything[status][0]}"}
        for status in sorted(_statuses(operation, described))
    }


def _statuses(operation: Operation, described: Mapping[str, Any]) -> Iterator[int]:
    yield from (429, 503)
    if operation.key is None:
        return
    yield from (401, 500, 502, 504)
    if operation.key == ADMIN_KEY:
        yield 403
    has_body = "requestBody" in described
    if has_body or described.get("parameters"):
        yield 400
    if has_body:
        yield 413
    if operation.not_found:
        yield 404
    if operation.damaged:
        yield 422
    if operation.conflicts:
        yield 409


def _response(schema: str, failure: _Failure) -> dict[str, Any]:
    _, description, example = failure
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}, "example": dict(example)}
    return {"description": description, "content": {"application/json": content}}
