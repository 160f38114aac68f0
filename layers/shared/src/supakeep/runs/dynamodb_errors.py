"""What DynamoDB's errors mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from supakeep.aws_credentials import refused_credentials
from supakeep.errors import (
    ConfigurationError,
    StorageError,
    StoragePermissionError,
    StorageUnavailableError,
)
from supakeep.no_answer import no_answer_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LATER = "Try again later. If it stays like this, check the region (AWS_REGION) and this machine's network."


class ConditionFailedError(Exception):
    """The item is not as it would have to be; `item` is what it is, where that was asked for."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        super().__init__()
        self._item = item

    def text_of(self, attribute: str) -> str | None:
        text: str | None = self._item.get(attribute, {}).get("S")
        return text


@contextmanager
def mapped_errors(client: DynamoDBClient, table: str, operation: str) -> Iterator[None]:
    """Raises errors of ours for those of DynamoDB, and ConditionFailedError where a condition did not
    hold.
    """
    try:
        yield
    except client.exceptions.ConditionalCheckFailedException as exc:
        answer: Mapping[str, Any] = exc.response
        raise ConditionFailedError(answer.get("Item", {})) from exc
    except client.exceptions.ResourceNotFoundException as exc:
        raise ConfigurationError(
            f"The DynamoDB table {table} does not exist",
            operation=operation,
            key="RUNS_TABLE",
            hint="Correct RUNS_TABLE. The command line also works without it.",
        ) from exc
    except ClientError as exc:
        raise _mapped(exc, operation, table) from exc
    except BotoCoreError as exc:
        raise StorageUnavailableError(
            f"DynamoDB did not answer: {no_answer_of(exc).reason}",
            operation=operation,
            key=table,
            hint=_LATER,
        ) from exc


def _mapped(exc: ClientError, operation: str, table: str) -> StorageError:
    code = exc.response["Error"]["Code"]
    if (refused := refused_credentials(code)) is not None:
        message = f"Permission denied by DynamoDB: {refused.reason}"
        return StoragePermissionError(message, operation=operation, key=table, hint=refused.hint)
    if code in ("AccessDeniedException", "AccessDenied"):
        return StoragePermissionError(
            f"Permission denied by DynamoDB for {table}",
            operation=operation,
            key=table,
            hint="The function's role (or your AWS credentials) must allow dynamodb:GetItem, PutItem, "
            "UpdateItem and Query on the table; template.yaml grants them.",
        )
    return StorageUnavailableError(
        f"DynamoDB could not answer: {code}", operation=operation, key=table, hint=_LATER
    )
