"""The OpenAPI document: valid, complete, true to the routes, and the page is made from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from devstack.api_page import PAGE, page
from supakeep import __version__
from supakeep.api.openapi.document import openapi_document, openapi_text
from supakeep.api.routes import ROUTES
from tests.builders.lambda_events import http_event
from tests.unit.api.conftest import Functions

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

DOCUMENT = openapi_document()
PATH = "/api/openapi.json"


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """What a reference to a response stands for."""
    if "$ref" not in part:
        return part
    found: dict[str, Any] = DOCUMENT["components"]["responses"][part["$ref"].rpartition("/")[2]]
    return found


def contents() -> Iterator[Any]:
    """Every body, of a request or an answer, that the document describes."""
    for route, operation in operations():
        for status, response in operation["responses"].items():
            yield pytest.param(
                resolved(response)["content"]["application/json"], id=f"{route} {status}"
            )
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]["application/json"]
            for name, example in content["examples"].items():
                body = {"schema": content["schema"], "example": example["value"]}
                yield pytest.param(body, id=f"{route} {name}")


def schema_with_components(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "components": DOCUMENT["components"]}


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["info"]["version"] == __version__


def test_every_route_with_every_method_is_described_and_no_other() -> None:
    described = {path: {m.upper() for m in methods} for path, methods in DOCUMENT["paths"].items()}
    assert described == {path: set(methods) for path, methods in ROUTES.items()}


@pytest.mark.parametrize(("route", "operation"), list(operations()))
def test_a_route_is_described_in_words_with_its_key_and_its_errors(
    route: str, operation: dict[str, Any]
) -> None:
    assert operation["summary"]
    assert operation["description"].endswith(".")
    key = "cronSecret" if "/cron/" in route else "adminKey"
    is_open = route == f"GET {PATH}"
    assert operation["security"] == ([] if is_open else [{key: []}])
    statuses = set(operation["responses"])
    assert statuses & {"200", "202"}
    assert is_open or statuses >= {"401", "500", "502", "503", "504"}
    assert ("202" in statuses) <= ("409" in statuses)
    assert ("requestBody" in operation) <= (statuses >= {"400", "413"})


def test_every_operation_has_an_id_of_its_own() -> None:
    ids = [operation["operationId"] for _, operation in operations()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("content", list(contents()))
def test_every_body_has_an_example_of_its_schema(content: dict[str, Any]) -> None:
    OAS31Validator(schema_with_components(content["schema"])).validate(content["example"])


@pytest.mark.parametrize(("route", "operation"), list(operations()))
def test_every_parameter_has_an_example_of_its_schema(
    route: str, operation: dict[str, Any]
) -> None:
    in_path = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
    assert in_path == {part.strip("{}") for part in route.split("/") if part.startswith("{")}
    for parameter in operation.get("parameters", ()):
        OAS31Validator(schema_with_components(parameter["schema"])).validate(parameter["example"])


def test_no_schema_is_left_that_nothing_refers_to() -> None:
    text = json.dumps(DOCUMENT)
    schemas = DOCUMENT["components"]["schemas"]
    assert [n for n in schemas if f'"#/components/schemas/{n}"' not in text] == []


def test_the_document_is_served_without_a_key(functions: Functions) -> None:
    answer = functions("restore").request("GET", PATH, key=None)

    assert (answer.status, answer.body) == (200, DOCUMENT)


def test_another_method_needs_a_key_and_is_not_allowed(functions: Functions) -> None:
    assert functions("restore").request("POST", PATH, key=None).status == 401
    answer = functions("restore").request("POST", PATH)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET")


def test_it_is_made_once(functions: Functions) -> None:
    functions("restore").invoke(http_event("GET", PATH))
    hits = openapi_text.cache_info().hits
    functions("restore").invoke(http_event("GET", PATH))
    assert openapi_text.cache_info().hits == hits + 1


def test_the_page_is_made_from_the_document() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(DOCUMENT), (
        "write it again: .venv/bin/python -m devstack.api_page"
    )
