"""Keys of the HTTP API in the DynamoDB table of the runs (docs/adr/0033).

Keys: `pk` = `keys#<ref>`, `sk` = the key's name. They have no `expires_at`, so TTL never deletes them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from supakeep.domain.api_key import ApiKey
from supakeep.errors import ApiKeyNotFoundError
from supakeep.runs.dynamodb_errors import ConditionFailedError, mapped_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

log = logging.getLogger(__name__)


class DynamoDbApiKeyStore:
    """The keys of one project, through a ready boto3 client."""

    def __init__(self, client: DynamoDBClient, table: str, project: str) -> None:
        self._client = client
        self._table = table
        self._keys = {"S": f"keys#{project}"}
        self._errors = partial(mapped_errors, client, table)

    def add(self, key: ApiKey) -> bool:
        try:
            with self._errors("record key"):
                self._put(key, "attribute_not_exists(pk)")
        except ConditionFailedError as exc:
            # boto3 asks again where an answer was lost, and is refused because of what it wrote itself
            return exc.text_of("key") == key.model_dump_json()
        return True

    def replace(self, key: ApiKey) -> None:
        try:
            with self._errors("record key"):
                self._put(key, "attribute_exists(pk)")
        except ConditionFailedError as exc:
            raise ApiKeyNotFoundError(key.name) from exc

    def list_all(self) -> Sequence[ApiKey]:
        with self._errors("read keys"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :keys",
                ExpressionAttributeValues={":keys": self._keys},
                # one that was just revoked must not come back
                ConsistentRead=True,
            )
            found = [_key_in(item) for page in pages for item in page["Items"]]
        return [key for key in found if key is not None]

    def _put(self, key: ApiKey, condition: str) -> None:
        self._client.put_item(
            TableName=self._table,
            Item={"pk": self._keys, "sk": {"S": key.name}, "key": {"S": key.model_dump_json()}},
            ConditionExpression=condition,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )


def _key_in(item: Mapping[str, Any]) -> ApiKey | None:
    name = item.get("sk", {}).get("S", "unknown")
    try:
        return ApiKey.model_validate_json(item["key"]["S"])
    except (ValueError, LookupError, TypeError):
        # not with the error: it quotes the record
        log.warning("The record of the key %s cannot be read, so the key opens nothing", name)
        return None
