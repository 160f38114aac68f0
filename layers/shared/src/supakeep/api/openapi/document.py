"""Makes the document: the routes' code gives paths, parameters and schemas, the rest is added."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from supakeep import __version__
from supakeep.api.http import create_resolver
from supakeep.api.openapi.failures import (
    ERROR_SCHEMA,
    GATEWAY_SCHEMA,
    failure_components,
    failures_of,
)
from supakeep.api.openapi.operations import ADMIN_KEY, CRON_SECRET, OPERATIONS, Operation
from supakeep.api.openapi_route import PATH
from supakeep.api.request import Requests
from supakeep.api.routes import ROUTES

_EXAMPLES = Path(__file__).with_name("examples.json")
# Powertools' own answers to a bad request, which this API replaces by its own
_REPLACED = ("HTTPValidationError", "ValidationError", "ResponseValidationError")
_DESCRIPTION = """\
Supakeep keeps a Supabase project's data restorable. Backups, restores, verifications and prunes can
take longer than a request may: they are answered with 202, and the run that `status_url` names goes on.
Times are in UTC, sizes in bytes. An error says what went wrong and how to fix it."""
_ADMIN = (
    "The stack's `ADMIN_KEY`, which has every scope, or a key that `supakeep keys add` made, with the scope "
    "that the route demands."
)
_SCHEMES = {
    ADMIN_KEY: {"type": "http", "scheme": "bearer", "description": _ADMIN},
    CRON_SECRET: {"type": "http", "scheme": "bearer", "description": "The stack's `CRON_SECRET`."},
}


@cache
def openapi_text() -> str:
    """The document as JSON. It takes a moment to make, and is then kept."""
    return json.dumps(openapi_document(), ensure_ascii=False, separators=(",", ":"))


def openapi_document() -> dict[str, Any]:
    """The document of all three functions' routes."""
    made = json.loads(_made_from_the_routes())
    examples = json.loads(_EXAMPLES.read_text(encoding="utf-8"))
    paths: dict[str, Any] = {}
    for path, operations in made["paths"].items():
        paths[path.replace("{run_id}", "{id}")] = {
            method: _described(path.replace("{run_id}", "{id}"), method, described, examples)
            for method, described in operations.items()
        }
    paths[PATH] = {"get": _itself()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Supakeep", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(o.tag for o in OPERATIONS.values())],
        "paths": dict(sorted(paths.items())),
        "components": _components(made["components"]["schemas"]),
    }


def _made_from_the_routes() -> str:
    # only here: a request for the document is rare, and no other function needs all routes
    from supakeep.api.audit_routes import add_audit_routes
    from supakeep.api.backup_routes import add_backup_routes
    from supakeep.api.coverage_route import add_coverage_route
    from supakeep.api.drill_routes import add_drill_routes
    from supakeep.api.health_routes import add_health_routes
    from supakeep.api.key_routes import add_key_routes
    from supakeep.api.overview_routes import add_overview_routes
    from supakeep.api.pin_routes import add_pin_routes
    from supakeep.api.prune_routes import add_prune_routes
    from supakeep.api.restore_routes import add_restore_routes
    from supakeep.api.run_routes import add_run_routes
    from supakeep.api.stored_backup_routes import add_stored_backup_routes

    resolver, requests = create_resolver(), Requests(_no_project)
    add_backup_routes(resolver, requests)
    add_restore_routes(resolver, requests)
    add_stored_backup_routes(resolver, requests)
    add_drill_routes(resolver, requests)
    add_audit_routes(resolver, requests)
    add_key_routes(resolver, requests)
    add_health_routes(resolver, requests)
    add_coverage_route(resolver, requests)
    add_run_routes(resolver, requests)
    add_overview_routes(resolver, requests)
    add_prune_routes(resolver, requests)
    add_pin_routes(resolver, requests)
    return resolver.get_openapi_json_schema(title="Supakeep", version=__version__)


def _no_project() -> NoReturn:
    raise RuntimeError("the document is made without a project")


def _described(
    path: str, method: str, made: dict[str, Any], examples: dict[str, Any]
) -> dict[str, Any]:
    """A route's operation with words, answers, errors and examples."""
    name = str(made["operationId"]).partition("_api_")[0]
    operation, shown = OPERATIONS[name], examples[name]
    # one function takes GET and POST, and an ID names one operation
    unique = f"{name}_{method}" if operation.key == CRON_SECRET else name
    described: dict[str, Any] = {"operationId": unique, **_words(operation)}
    if operation.key == ADMIN_KEY:
        scope = ROUTES[path][method.upper()]
        described["description"] += f" The key needs the scope `{scope}`."
    if "parameters" in made:
        parameters = shown["parameters"]
        described["parameters"] = [_parameter(p, parameters) for p in made["parameters"]]
    if "requestBody" in made:
        described["requestBody"] = _body(made["requestBody"], shown["request"])
    answers = _answers(operation, shown["answers"])
    # a 503 of the route's own says more than that of API Gateway
    described["responses"] = {**failures_of(operation, described), **answers}
    return described


def _words(operation: Operation) -> dict[str, Any]:
    return {
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "security": [{operation.key: []}] if operation.key else [],
    }


def _parameter(made: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    name = {"run_id": "id"}.get(made["name"], made["name"])
    schema = {**made["schema"], "title": name}
    return {**made, "name": name, "schema": schema, "example": examples[name]}


def _body(made: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    """Without the null that stands for a body that is left out."""
    schema = made["content"]["application/json"]["schema"]
    [schema] = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    shown = {name: {"value": value} for name, value in examples.items()}
    content = {"application/json": {"schema": schema, "examples": shown}}
    return {"required": made.get("required", False), "content": content}


def _answers(operation: Operation, examples: dict[str, Any]) -> dict[str, Any]:
    return {
        str(status): {
            "description": "Accepted: the work goes on." if status == 202 else "Answered.",
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{schema}"},
                    "example": examples[str(status)],
                }
            },
        }
        for status, schema in operation.answers.items()
    }


def _itself() -> dict[str, Any]:
    operation = OPERATIONS["get_openapi"]
    content = {"schema": {"type": "object"}, "example": {"openapi": "3.1.0", "paths": {}}}
    described = {"operationId": "get_openapi", **_words(operation)}
    answers = {"200": {"description": "Answered.", "content": {"application/json": content}}}
    return {**described, "responses": {**answers, **failures_of(operation, described)}}


def _components(made: dict[str, Any]) -> dict[str, Any]:
    schemas = {name: schema for name, schema in made.items() if name not in _REPLACED}
    added = {"Error": dict(ERROR_SCHEMA), "GatewayMessage": dict(GATEWAY_SCHEMA)}
    return {
        "securitySchemes": _SCHEMES,
        "responses": failure_components(),
        "schemas": dict(sorted({**schemas, **added}.items())),
    }
