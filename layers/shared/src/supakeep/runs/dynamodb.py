"""Runs and leases in one DynamoDB table.

Keys: `pk` = `runs#<ref>`, `sk` = run ID; and `pk` = `lease#<ref>`, `sk` = its name. `expires_at` is
the table's TTL attribute, in seconds since 1970. `status` repeats that of the run, for conditions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from supakeep.aws_credentials import refused_credentials
from supakeep.domain.lease import lease_held, lease_lost
from supakeep.domain.run import RUN_RETENTION, Run, RunStatus
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
# DynamoDB takes items of up to 400 KB
_MOST_BYTES = 350_000


class DynamoDbRunStore:
    """The runs of one project, through a ready boto3 client."""

    def __init__(self, client: DynamoDBClient, table: str, project: str) -> None:
        self._client = client
        self._table = table
        self._runs = {"S": f"runs#{project}"}
        self._leases = {"S": f"lease#{project}"}

    def create(self, run: Run) -> bool:
        try:
            with self._mapped_errors("create run"):
                self._put(run, ConditionExpression="attribute_not_exists(pk)")
        except _ConditionFailedError:
            return False
        return True

    def save(self, run: Run) -> None:
        with self._mapped_errors("save run"):
            self._put(run)

    def replace(self, run: Run, status: RunStatus) -> bool:
        try:
            with self._mapped_errors("save run"):
                self._put(
                    run,
                    # a record of version 0.1 has no status beside the run
                    ConditionExpression=(
                        "#status = :status OR attribute_exists(pk) AND attribute_not_exists(#status)"
                    ),
                    ExpressionAttributeNames={"#status": "status"},
                    ExpressionAttributeValues={":status": {"S": status}},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except _ConditionFailedError as exc:
            # boto3 asks again where an answer was lost, and is refused because of what it wrote itself
            return exc.text_of("run") == _text(run)
        return True

    def get(self, run_id: str) -> Run | None:
        with self._mapped_errors("read run"):
            answer = self._client.get_item(
                TableName=self._table,
                Key={"pk": self._runs, "sk": {"S": run_id}},
                ConsistentRead=True,
            )
        item = answer.get("Item")
        return self._run_in(item) if item else None

    def list(self, limit: int, before: str | None = None) -> Sequence[Run]:
        """Raises StorageUnavailableError where DynamoDB does not answer."""
        runs: list[Run] = []
        below, page_start = before, True
        while page_start and len(runs) < limit:
            items, page_start = self._page(limit - len(runs), below)
            runs += [self._run_in(item) for item in items]
            below = runs[-1].id if runs else None
        return runs

    def _page(self, limit: int, before: str | None) -> tuple[Sequence[Mapping[str, Any]], bool]:
        """The newest items, and whether older ones may follow: an answer holds 1 MB at most."""
        condition, values = "pk = :runs", {":runs": self._runs}
        if before is not None:
            condition, values = (
                f"{condition} AND sk < :before",
                {**values, ":before": {"S": before}},
            )
        with self._mapped_errors("list runs"):
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ScanIndexForward=False,
                # a copy and a prune look for each other in it
                ConsistentRead=True,
                Limit=limit,
            )
        return answer["Items"], "LastEvaluatedKey" in answer

    def acquire_lease(
        self, lease: str, run_id: str, now: dt.datetime, expires_at: dt.datetime
    ) -> None:
        try:
            with self._mapped_errors("acquire lease"):
                self._client.update_item(
                    TableName=self._table,
                    Key=self._lease_key(lease),
                    UpdateExpression="SET run_id = :run, expires_at = :end",
                    # TTL deletes late, so an item's own time decides whether it is still a lease
                    ConditionExpression=(
                        "attribute_not_exists(pk) OR run_id = :run OR expires_at <= :now"
                    ),
                    ExpressionAttributeValues={
                        ":run": {"S": run_id},
                        ":end": _seconds(expires_at),
                        ":now": _seconds(now),
                    },
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except _ConditionFailedError as exc:
            raise lease_held(exc.text_of("run_id") or "unknown") from exc

    def renew_lease(self, lease: str, run_id: str, expires_at: dt.datetime) -> None:
        try:
            with self._mapped_errors("renew lease"):
                self._client.update_item(
                    TableName=self._table,
                    Key=self._lease_key(lease),
                    UpdateExpression="SET expires_at = :end",
                    ConditionExpression="run_id = :run",
                    ExpressionAttributeValues={":run": {"S": run_id}, ":end": _seconds(expires_at)},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except _ConditionFailedError as exc:
            raise lease_lost(exc.text_of("run_id")) from exc

    def release_lease(self, lease: str, run_id: str) -> None:
        try:
            with self._mapped_errors("release lease"):
                # expired rather than deleted: no function needs the right to delete items
                self._client.update_item(
                    TableName=self._table,
                    Key=self._lease_key(lease),
                    UpdateExpression="SET expires_at = :past",
                    ConditionExpression="run_id = :run",
                    ExpressionAttributeValues={":run": {"S": run_id}, ":past": {"N": "0"}},
                )
        except _ConditionFailedError:
            return

    def _run_in(self, item: Mapping[str, Any]) -> Run:
        """Raises StorageError: a prune that passed over a record could remove what its run reads."""
        try:
            return Run.model_validate_json(item["run"]["S"])
        except (ValueError, LookupError, TypeError) as exc:
            run_id = item.get("sk", {}).get("S", "unknown")
            raise StorageError(
                f"The record of run {run_id} in {self._table} cannot be read",
                operation="read run",
                key=run_id,
                hint="Try again. If it stays like this, delete that item of the DynamoDB table.",
            ) from exc

    def _lease_key(self, lease: str) -> dict[str, Any]:
        return {"pk": self._leases, "sk": {"S": lease}}

    def _put(self, run: Run, **condition: Any) -> None:
        self._client.put_item(
            TableName=self._table,
            Item={
                "pk": self._runs,
                "sk": {"S": run.id},
                "run": {"S": _text(run)},
                "status": {"S": run.status},
                "expires_at": _seconds(run.requested_at + RUN_RETENTION),
            },
            **condition,
        )

    @contextmanager
    def _mapped_errors(self, operation: str) -> Iterator[None]:
        try:
            yield
        except self._client.exceptions.ConditionalCheckFailedException as exc:
            answer: Mapping[str, Any] = exc.response
            raise _ConditionFailedError(answer.get("Item", {})) from exc
        except self._client.exceptions.ResourceNotFoundException as exc:
            raise ConfigurationError(
                f"The DynamoDB table {self._table} does not exist",
                operation=operation,
                key="RUNS_TABLE",
                hint="Correct RUNS_TABLE. The command line also works without it.",
            ) from exc
        except ClientError as exc:
            raise _mapped(exc, operation, self._table) from exc
        except BotoCoreError as exc:
            raise StorageUnavailableError(
                f"DynamoDB did not answer: {no_answer_of(exc).reason}",
                operation=operation,
                key=self._table,
                hint=_LATER,
            ) from exc


class _ConditionFailedError(Exception):
    """The item is not as it would have to be; `item` is what it is, where that was asked for."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        super().__init__()
        self._item = item

    def text_of(self, attribute: str) -> str | None:
        text: str | None = self._item.get(attribute, {}).get("S")
        return text


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


def _text(run: Run) -> str:
    """The run as an item has room for it."""
    text = ""
    for shorter in run.shorter_and_shorter():
        text = shorter.model_dump_json()
        if len(text.encode()) <= _MOST_BYTES:
            break
    return text


def _seconds(moment: dt.datetime) -> Any:
    return {"N": str(int(moment.timestamp()))}
