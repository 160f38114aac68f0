"""The project's tables, as the Data API describes them."""

from __future__ import annotations

from typing import Any

from supakeep.databases.catalog import catalog_of
from supakeep.databases.data_api.client import DataApiClient
from supakeep.databases.data_api.errors import functions_missing
from supakeep.domain.schema import Catalog

FUNCTIONS_VERSION = 4


def described(client: DataApiClient) -> dict[str, Any]:
    """What the catalog function answers; FunctionsMissingError where it is of another version."""
    answer: dict[str, Any] = client.call("supakeep_catalog", None)
    if answer["functions_version"] != FUNCTIONS_VERSION:
        raise functions_missing("are of another version")
    return answer


def read_catalog(client: DataApiClient) -> Catalog:
    """Every table outside the system's schemas. Errors as of `described`."""
    return catalog_in(described(client))


def catalog_in(answer: dict[str, Any]) -> Catalog:
    """The catalog in what the function answered."""
    return catalog_of(answer["server_version"], answer["tables"], schemas=answer["schemas"])
