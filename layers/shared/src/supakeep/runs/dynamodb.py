"""Runs and leases in one DynamoDB table, which also holds the records of keys (dynamodb_keys.py).

Keys: `pk` = `runs#<ref>`, `sk` = run ID; and `pk` = `lease#<ref>`, `sk` = its name. `expires_at` is
the table's TTL attribute, in seconds since 1970. `status` repeats that of the run, for conditions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from supakeep.domain.lease import lease_held, lease_lost
from supakeep.domain.run import RUN_RETENTION, Run, RunStatus
from supakeep.errors import StorageError
from supakeep.runs.dynamodb_errors import ConditionFailedError, mapped_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# DynamoDB takes items of up to 400 KB
_MOST_BYTES = 350_000


class DynamoDbRunStore:
    """The runs of one project, through a ready boto3 client."""

    def __init__(self, client: DynamoDBClient, table: str, project: str) -> None:
        self._client = client
        self._table = table
        self._runs = {"S": f"runs#{project}"}
        self._leases = {"S": f"lease#{project}"}
        self._errors = partial(mapped_errors, client, table)

    def create(self, run: Run) -> bool:
        try:
            with self._errors("create run"):
                self._put(run, ConditionExpression="attribute_not_exists(pk)")
        except ConditionFailedError:
            return False
        return True

    def save(self, run: Run) -> None:
        with self._errors("save run"):
            self._put(run)

    def replace(self, run: Run, status: RunStatus) -> bool:
        try:
            with self._errors("save run"):
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
        except ConditionFailedError as exc:
            # boto3 asks again where an answer was lost, and is refused because of what it wrote itself
            return exc.text_of("run") == _text(run)
        return True

    def get(self, run_id: str) -> Run | None:
        with self._errors("read run"):
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
        with self._errors("list runs"):
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
            with self._errors("acquire lease"):
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
        except ConditionFailedError as exc:
            raise lease_held(exc.text_of("run_id") or "unknown") from exc

    def renew_lease(self, lease: str, run_id: str, expires_at: dt.datetime) -> None:
        try:
            with self._errors("renew lease"):
                self._client.update_item(
                    TableName=self._table,
                    Key=self._lease_key(lease),
                    UpdateExpression="SET expires_at = :end",
                    ConditionExpression="run_id = :run",
                    ExpressionAttributeValues={":run": {"S": run_id}, ":end": _seconds(expires_at)},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailedError as exc:
            raise lease_lost(exc.text_of("run_id")) from exc

    def release_lease(self, lease: str, run_id: str) -> None:
        try:
            with self._errors("release lease"):
                # expired rather than deleted: no function needs the right to delete items
                self._client.update_item(
                    TableName=self._table,
                    Key=self._lease_key(lease),
                    UpdateExpression="SET expires_at = :past",
                    ConditionExpression="run_id = :run",
                    ExpressionAttributeValues={":run": {"S": run_id}, ":past": {"N": "0"}},
                )
        except ConditionFailedError:
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
