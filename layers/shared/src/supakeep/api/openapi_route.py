"""The route of the OpenAPI document. It takes no key: the document holds nothing of a deployment."""

from __future__ import annotations

from typing import Any

PATH = "/api/openapi.json"


def asks_for_document(event: dict[str, Any]) -> bool:
    """Whether an HTTP event asks for the document; any other method is answered as everywhere."""
    return bool(event["rawPath"] == PATH and event["requestContext"]["http"]["method"] == "GET")


def document_answer() -> dict[str, Any]:
    """The document, which is made when it is first asked for."""
    # no other request should wait for what makes it
    from supakeep.api.openapi.document import openapi_text

    headers = {"Content-Type": "application/json", "Cache-Control": "max-age=300"}
    return {"statusCode": 200, "headers": headers, "body": openapi_text(), "isBase64Encoded": False}
