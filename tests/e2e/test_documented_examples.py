"""Every example of the OpenAPI document that the stack serves is run against it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from openapi_schema_validator import OAS31Validator

from devstack.stack import Options
from tests.e2e.deployment import deployed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.e2e.deployment import Deployment

PATH = "/api/openapi.json"


@pytest.fixture(scope="module")
def direct() -> Iterator[Deployment]:
    """The engine that can do everything, with a backup and a restore to ask about."""
    with deployed(Options(engine="postgres")) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def document(direct: Deployment) -> dict[str, Any]:
    answer = direct.call("GET", PATH, key=None)
    assert answer.status_code == 200
    served: dict[str, Any] = answer.json()
    return served


@pytest.fixture(scope="module")
def real(direct: Deployment, document: dict[str, Any]) -> dict[str, str]:
    """What of the examples exists on this stack only under another name."""
    backup = direct.follow(direct.call("POST", "/api/admin/backup"))
    direct.stack.wait_idle()
    body = {"name": "latest", "confirm": direct.stack.destination, "tables": ["operation_costs"]}
    restore = direct.follow(direct.call("POST", "/api/admin/restore", body))
    assert restore["undo"]["possible"]
    runs = parameters(document, "/api/admin/runs/{id}", "get")
    backups = parameters(document, "/api/admin/backups", "get")
    return {
        str(runs["id"]["example"]): restore["id"],
        str(backups["before"]["example"]): backup["backup"],
        '"confirm": "jewelshot-local"': f'"confirm": "{direct.stack.destination}"',
    }


def parameters(document: dict[str, Any], path: str, method: str) -> dict[str, dict[str, Any]]:
    return {p["name"]: p for p in document["paths"][path][method].get("parameters", ())}


def translated(value: Any, real: dict[str, str]) -> Any:
    text = json.dumps(value)
    for example, name in real.items():
        text = text.replace(example, name)
    return json.loads(text)


def requests(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], Any]]:
    """Method, path, operation and body of each example."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            examples = content.get("application/json", {}).get("examples", {"": {"value": None}})
            for example in examples.values():
                yield method.upper(), path, operation, example["value"]


def ask(
    direct: Deployment, method: str, path: str, operation: dict[str, Any], body: Any, real: Any
) -> httpx.Response:
    """The answer to one example, with its examples of parameters."""
    given = {p["name"]: translated(p["example"], real) for p in operation.get("parameters", ())}
    in_path = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
    query = {name: value for name, value in given.items() if name not in in_path}
    keys = [name for scheme in operation["security"] for name in scheme]
    key = {"adminKey": "admin", "cronSecret": "cron"}[keys[0]] if keys else None
    return direct.call(
        method, path.format(**given), translated(body, real), key=key, params=query or None
    )


def check(document: dict[str, Any], operation: dict[str, Any], answer: httpx.Response) -> None:
    """The answer is one that the document describes for its status."""
    response = operation["responses"][str(answer.status_code)]
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = response["content"]["application/json"]["schema"]
    OAS31Validator({**schema, "components": document["components"]}).validate(answer.json())


def test_every_example_is_answered_as_it_is_documented(
    direct: Deployment, document: dict[str, Any], real: dict[str, str]
) -> None:
    asked = 0
    for method, path, operation, body in requests(document):
        direct.stack.wait_idle()
        answer = ask(direct, method, path, operation, body, real)
        assert answer.status_code in (200, 202), (method, path, body, answer.text)
        check(document, operation, answer)
        if answer.status_code == 202:
            run = direct.follow(answer)
            assert run["status"] in ("complete", "partial"), (method, path, body, run["error"])
        asked += 1
    assert asked > len(document["paths"])
    direct.stack.wait_idle()


def test_every_finished_run_is_as_documented(
    direct: Deployment, document: dict[str, Any], real: dict[str, str]
) -> None:
    runs = direct.call("GET", "/api/admin/runs?limit=100")

    check(document, document["paths"]["/api/admin/runs"]["get"], runs)
    kinds = {run["kind"] for run in runs.json()["runs"] if run["result"] is not None}
    assert kinds >= {"backup", "restore"}
    assert real


def test_errors_are_as_documented(direct: Deployment, document: dict[str, Any]) -> None:
    paths = document["paths"]
    body = {"name": "latest", "confirm": "another"}
    for method, path, options, status in (
        ("GET", "/api/admin/runs/{id}", {"key": "wrong"}, 401),
        ("GET", "/api/admin/runs/{id}", {}, 404),
        ("GET", "/api/admin/runs", {"params": {"limit": 0}}, 400),
        ("POST", "/api/admin/restore", {"body": {"name": "x" * 70_000}}, 413),
        ("POST", "/api/admin/restore", {"body": body}, 409),
    ):
        given = path.replace("{id}", "20261122T030000Z-nowhere")
        answer = direct.call(method, given, **options)
        assert answer.status_code == status, answer.text
        check(document, paths[path][method.lower()], answer)
