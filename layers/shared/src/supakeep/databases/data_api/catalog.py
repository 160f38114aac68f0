"""The project's tables, as the Data API describes them."""

from __future__ import annotations

from supakeep.databases.catalog import catalog_of
from supakeep.databases.data_api.client import DataApiClient
from supakeep.databases.data_api.errors import functions_missing
from supakeep.domain.schema import Catalog

FUNCTIONS_VERSION = 3


def read_catalog(client: DataApiClient) -> Catalog:
    """Every table outside the system's schemas; FunctionsMissingError where they are not of this
    version.
    """
    answer = client.call("supakeep_catalog", None)
    if answer["functions_version"] != FUNCTIONS_VERSION:
        raise functions_missing("are of another version")
    return catalog_of(answer["server_version"], answer["tables"])
