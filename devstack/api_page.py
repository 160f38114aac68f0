"""Writes docs/api-reference.md from the OpenAPI document: `python -m devstack.api_page`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from devstack import PROJECT
from supakeep.api.openapi.document import openapi_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE = PROJECT / "docs/api-reference.md"
_HEAD = """\
# API reference

This page is made from the OpenAPI document that the stack serves at `/api/openapi.json`.
`.venv/bin/python -m devstack.api_page` writes it again.
[The HTTP API](api.md) explains the routes one after the other, with `curl`.
"""
_KEYS = {"adminKey": "`ADMIN_KEY`", "cronSecret": "`CRON_SECRET`"}


def page(document: Mapping[str, Any]) -> str:
    """The page of a document of this API."""
    return "\n".join([_HEAD, *_chapters(document), *_failures(document), *_schemas(document)])


def _chapters(document: Mapping[str, Any]) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"## {tag['name']}\n"
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if tag["name"] in operation["tags"]:
                    yield from _operation(document, f"{method.upper()} {path}", operation)


def _operation(
    document: Mapping[str, Any], route: str, operation: Mapping[str, Any]
) -> Iterator[str]:
    yield f"### `{route}`\n"
    keys = [_KEYS[name] for scheme in operation["security"] for name in scheme]
    yield f"**{operation['summary']}.** {operation['description']}\n"
    yield f"Key: {keys[0] if keys else 'none'}.\n"
    if "parameters" in operation:
        yield "| parameter | in | type | meaning |\n| --- | --- | --- | --- |"
        yield from (_parameter(parameter) for parameter in operation["parameters"])
        yield ""
    if "requestBody" in operation:
        yield from _body(document, operation["requestBody"])
    yield from _answers(operation["responses"])


def _parameter(parameter: Mapping[str, Any]) -> str:
    meaning = parameter.get("description", "")
    return (
        f"| `{parameter['name']}` | {parameter['in']} | {_type(parameter['schema'])} | {meaning} |"
    )


def _body(document: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[str]:
    content = body["content"]["application/json"]
    fields = _resolved(document, content["schema"]).get("properties", {})
    yield f"The body is {'required' if body['required'] else 'optional'}.\n"
    if fields:
        yield "| field | type | default | meaning |\n| --- | --- | --- | --- |"
        yield from (_field(name, field) for name, field in fields.items())
        yield ""
    for name, example in content["examples"].items():
        yield f"{name[:1].upper()}{name[1:]}:\n"
        yield _fenced(example["value"])


def _field(name: str, field: Mapping[str, Any]) -> str:
    default = f"`{json.dumps(field['default'])}`" if "default" in field else ""
    return f"| `{name}` | {_type(field)} | {default} | {field.get('description', '')} |"


def _answers(responses: Mapping[str, Any]) -> Iterator[str]:
    for status, response in responses.items():
        if "content" in response:
            content = response["content"]["application/json"]
            yield f"Answer {status}, {_type(content['schema'])}:\n"
            yield _fenced(content["example"])
    errors = [f"[{status}](#errors)" for status, r in responses.items() if "$ref" in r]
    yield f"Errors: {', '.join(errors)}.\n"


def _failures(document: Mapping[str, Any]) -> Iterator[str]:
    yield "## Errors\n"
    yield "| answer | meaning | example |\n| --- | --- | --- |"
    for name, response in document["components"]["responses"].items():
        example = json.dumps(response["content"]["application/json"]["example"], ensure_ascii=False)
        yield f"| {name} | {response['description']} | `{example}` |"
    yield ""


def _schemas(document: Mapping[str, Any]) -> Iterator[str]:
    yield "## Schemas\n"
    for name, schema in document["components"]["schemas"].items():
        yield f"### {name}\n"
        if "description" in schema:
            yield f"{' '.join(schema['description'].split())}\n"
        if "enum" in schema:
            yield f"One of {', '.join(f'`{value}`' for value in schema['enum'])}.\n"
        if schema.get("properties"):
            yield "| field | type |\n| --- | --- |"
            yield from (
                f"| `{key}` | {_type(field)} |" for key, field in schema["properties"].items()
            )
            yield ""


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(schema["$ref"]).rpartition("/")[2]
    resolved: Mapping[str, Any] = document["components"]["schemas"][name]
    return resolved


def _type(schema: Mapping[str, Any]) -> str:
    """A type in a table's cell; a schema's name links to its chapter."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(kind) for kind in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array" and "items" in schema:
        return f"list of {_type(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return str(schema.get("format") or schema.get("type", "any"))


def _fenced(value: object) -> str:
    return f"```json\n{json.dumps(value, indent=1, ensure_ascii=False)}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(openapi_document()), encoding="utf-8")
