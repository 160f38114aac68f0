"""What every run store does: the port's contract over all adapters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from mypy_boto3_dynamodb import DynamoDBClient

from supakeep.domain.manifest_parts import Problem
from supakeep.domain.restore import RestoredTable, RestoreReport
from supakeep.domain.row_changes import WholeRow
from supakeep.domain.run import Run, RunKind, RunStatus, TableProgress, new_run_id
from supakeep.domain.summary import BackupSummary
from supakeep.errors import (
    ConfigurationError,
    LeaseHeldError,
    StorageError,
    StorageUnavailableError,
)
from supakeep.ports import RunStore
from supakeep.runs.dynamodb import DynamoDbRunStore
from supakeep.runs.folder import FolderRunStore
from supakeep.runs.in_memory import InMemoryRunStore
from tests.builders.manifests import a_manifest
from tests.contract.adapters import RUN_STORES
from tests.contract.conftest import RUNS_TABLE as TABLE
from tests.contract.conftest import each_of
from tests.fakes.time import NOON

LATER = NOON + dt.timedelta(seconds=300)
A_BACKUP = BackupSummary.of(a_manifest(), ["primary", "mirror"])


@pytest.fixture(params=each_of(RUN_STORES))
def store(request: pytest.FixtureRequest) -> RunStore:
    """A run store without any run; in DynamoDB that of a project of this test's own."""
    if request.param == "in_memory":
        return InMemoryRunStore()
    if request.param == "folder":
        return FolderRunStore(request.getfixturevalue("tmp_path") / "runs")
    return DynamoDbRunStore(request.getfixturevalue("dynamodb"), TABLE, uuid4().hex)


def a_run(minutes: int = 0, **fields: Any) -> Run:
    at = NOON + dt.timedelta(minutes=minutes)
    given: dict[str, Any] = {"kind": RunKind.BACKUP, "trigger": "api", **fields}
    return Run(id=new_run_id(at, "1a2b3c4d"), requested_at=at, **given)


def is_held(store: RunStore, lease: str, now: dt.datetime = NOON) -> bool:
    try:
        store.acquire_lease(lease, "20261122T120000Z-someone", now, now)
    except LeaseHeldError:
        return True
    return False


def test_the_store_is_the_adapter_that_the_id_names(
    store: RunStore, request: pytest.FixtureRequest
) -> None:
    assert type(store) is RUN_STORES[request.node.callspec.params["store"]]


def test_a_run_reads_back_as_it_was_saved(store: RunStore) -> None:
    run = a_run(
        backup="backup_abc_2026-11-22",
        status=RunStatus.PARTIAL,
        started_at=NOON,
        heartbeat_at=NOON + dt.timedelta(milliseconds=1),
        finished_at=LATER,
        attempt=2,
        tables={"public.odd \"name'": TableProgress(rows=10**12, status="running")},
        result=A_BACKUP.model_copy(update={"rows": 9_007_199_254_740_993, "warnings": ("é", "")}),
        error=Problem(message="It failed", hint=None),
    )

    store.save(run)

    assert store.get(run.id) == run


def test_an_unknown_run_is_none(store: RunStore) -> None:
    assert store.get("20261122T120000Z-none") is None


def test_a_run_is_created_once(store: RunStore) -> None:
    first = a_run()

    assert store.create(first) is True
    assert store.create(a_run(trigger="schedule")) is False
    assert store.get(first.id) == first


def test_saving_replaces_what_was_there(store: RunStore) -> None:
    store.create(a_run())
    started = a_run().started(LATER)

    store.save(started)

    assert store.get(started.id) == started
    assert store.list(10) == [started]


def test_a_run_is_replaced_while_its_record_has_the_status(store: RunStore) -> None:
    store.create(a_run())
    started = a_run().started(LATER)

    assert store.replace(started, RunStatus.QUEUED)

    assert not store.replace(a_run().failed(LATER, ValueError()), RunStatus.QUEUED)
    assert store.get(started.id) == started
    ended = started.failed(LATER, ValueError())
    assert store.replace(ended, RunStatus.RUNNING)
    assert store.get(started.id) == ended


def test_a_replacement_that_is_asked_for_again_is_done(store: RunStore) -> None:
    """As a client does whose answer was lost on the way."""
    store.create(a_run())
    started = a_run().started(LATER, "an invocation")

    assert [store.replace(started, RunStatus.QUEUED) for _ in range(2)] == [True, True]

    assert store.get(started.id) == started
    assert not store.replace(a_run().started(LATER, "another"), RunStatus.QUEUED)


def test_a_run_that_was_never_stored_is_not_replaced(store: RunStore) -> None:
    assert not store.replace(a_run(), RunStatus.QUEUED)
    assert store.get(a_run().id) is None


def test_of_many_that_replace_a_run_at_once_exactly_one_does(store: RunStore) -> None:
    store.create(a_run())

    def replace(number: int) -> bool:
        started = a_run().started(LATER, str(number))
        return store.replace(started, RunStatus.QUEUED)

    assert racing(replace) == 1


def test_the_newest_runs_are_listed_newest_first(store: RunStore) -> None:
    runs = [a_run(minutes) for minutes in range(12)]
    for run in (*runs[6:], *runs[:6]):
        store.create(run)

    assert store.list(5) == runs[:6:-1]
    assert store.list(100) == runs[::-1]
    assert store.list(3, runs[5].id) == runs[4:1:-1]
    assert store.list(100, runs[5].id) == runs[4::-1]
    assert store.list(100, runs[0].id) == []


def test_runs_are_listed_that_do_not_fit_into_one_answer_of_dynamodb(store: RunStore) -> None:
    tables = {
        f"public.t{number}": TableProgress(rows=1, status="x" * 1000) for number in range(250)
    }
    runs = [a_run(minutes, tables=tables) for minutes in range(6)]
    for run in runs:
        store.create(run)

    assert store.list(6) == runs[::-1]


def test_leases_are_no_runs(store: RunStore) -> None:
    store.acquire_lease("database", a_run().id, NOON, LATER)

    assert store.list(10) == []
    assert store.get("database") is None


def test_a_lease_that_is_held_is_refused_naming_the_holder(store: RunStore) -> None:
    store.acquire_lease("database", a_run().id, NOON, LATER)

    with pytest.raises(LeaseHeldError) as refused:
        store.acquire_lease("database", a_run(1).id, NOON, LATER)

    assert refused.value.message == f"Run {a_run().id} is at work on this project"
    assert refused.value.key == a_run().id
    assert refused.value.hint


def test_a_holder_renews_its_lease(store: RunStore) -> None:
    store.acquire_lease("database", a_run().id, NOON, LATER)
    store.acquire_lease("database", a_run().id, LATER, LATER + dt.timedelta(seconds=300))

    assert is_held(store, "database", LATER + dt.timedelta(seconds=299))


def test_an_expired_lease_is_free(store: RunStore) -> None:
    store.acquire_lease("database", a_run().id, NOON, LATER)

    assert is_held(store, "database", LATER - dt.timedelta(seconds=1))
    assert not is_held(store, "database", LATER)


def test_a_holder_whose_lease_was_taken_over_cannot_renew_it(store: RunStore) -> None:
    store.acquire_lease("database", a_run().id, NOON, LATER)
    store.acquire_lease("database", a_run(9).id, LATER, LATER + dt.timedelta(seconds=300))

    with pytest.raises(LeaseHeldError):
        store.acquire_lease("database", a_run().id, LATER, LATER + dt.timedelta(seconds=300))


def test_a_renewed_lease_ends_when_it_says(store: RunStore) -> None:
    store.acquire_lease("database", a_run().id, NOON, LATER)

    store.renew_lease("database", a_run().id, LATER + dt.timedelta(seconds=300))

    assert is_held(store, "database", LATER + dt.timedelta(seconds=299))
    assert not is_held(store, "database", LATER + dt.timedelta(seconds=300))


@pytest.mark.parametrize("released", [False, True])
def test_a_lease_that_another_run_has_had_since_is_not_renewed(
    store: RunStore, released: bool
) -> None:
    store.acquire_lease("database", a_run().id, NOON, LATER)
    store.acquire_lease("database", a_run(9).id, LATER, LATER + dt.timedelta(seconds=300))
    if released:
        store.release_lease("database", a_run(9).id)

    with pytest.raises(LeaseHeldError) as lost:
        store.renew_lease("database", a_run().id, LATER + dt.timedelta(seconds=300))

    if not released:
        assert lost.value.key == a_run(9).id
        assert is_held(store, "database", LATER + dt.timedelta(seconds=299))


def test_a_lease_that_nobody_has_is_not_renewed(store: RunStore) -> None:
    with pytest.raises(LeaseHeldError):
        store.renew_lease("database", a_run().id, LATER)
    assert not is_held(store, "database")


def test_a_released_lease_is_free(store: RunStore) -> None:
    store.acquire_lease("database", a_run().id, NOON, LATER)

    store.release_lease("database", a_run().id)

    assert not is_held(store, "database")


def test_anothers_lease_is_not_released(store: RunStore) -> None:
    store.release_lease("database", a_run(1).id)
    store.acquire_lease("database", a_run().id, NOON, LATER)

    store.release_lease("database", a_run(1).id)

    assert is_held(store, "database")


def test_leases_of_other_names_are_free(store: RunStore) -> None:
    store.acquire_lease("database", a_run().id, NOON, LATER)

    assert not is_held(store, "prune")
    store.release_lease("prune", a_run().id)
    assert is_held(store, "database")


def racing(contend: Callable[[int], bool], contenders: int = 16) -> int:
    with ThreadPoolExecutor(contenders) as pool:
        return list(pool.map(contend, range(contenders))).count(True)


def test_of_many_that_ask_for_a_lease_at_once_exactly_one_gets_it(store: RunStore) -> None:
    def acquire(number: int) -> bool:
        try:
            store.acquire_lease("database", a_run(number).id, NOON, LATER)
        except LeaseHeldError:
            return False
        return True

    assert racing(acquire) == 1


def test_of_many_that_take_over_an_expired_lease_exactly_one_gets_it(store: RunStore) -> None:
    store.acquire_lease("database", a_run(99).id, NOON, LATER)
    end = LATER + dt.timedelta(seconds=300)

    def acquire(number: int) -> bool:
        try:
            store.acquire_lease("database", a_run(number).id, LATER, end)
        except LeaseHeldError:
            return False
        return True

    assert racing(acquire) == 1


def test_of_many_that_create_one_run_at_once_exactly_one_does(store: RunStore) -> None:
    assert racing(lambda number: store.create(a_run(attempt=number))) == 1


@pytest.mark.integration
def test_projects_in_one_table_do_not_see_each_other(dynamodb: DynamoDBClient) -> None:
    one, other = (DynamoDbRunStore(dynamodb, TABLE, uuid4().hex) for _ in range(2))
    one.create(a_run())
    one.acquire_lease("database", a_run().id, NOON, LATER)

    assert other.list(10) == []
    assert other.get(a_run().id) is None
    assert not is_held(other, "database")


@pytest.mark.integration
def test_runs_leave_the_table_by_themselves_after_thirty_days(dynamodb: DynamoDBClient) -> None:
    project = uuid4().hex
    DynamoDbRunStore(dynamodb, TABLE, project).create(a_run())

    key = {"pk": {"S": f"runs#{project}"}, "sk": {"S": a_run().id}}
    item = dynamodb.get_item(TableName=TABLE, Key=key)["Item"]

    assert int(item["expires_at"]["N"]) == int((NOON + dt.timedelta(days=30)).timestamp())


@pytest.mark.integration
def test_a_run_that_an_earlier_version_accepted_is_started(dynamodb: DynamoDBClient) -> None:
    project = uuid4().hex
    store = DynamoDbRunStore(dynamodb, TABLE, project)
    store.create(a_run())
    key = {"pk": {"S": f"runs#{project}"}, "sk": {"S": a_run().id}}
    dynamodb.update_item(
        TableName=TABLE,
        Key=key,
        UpdateExpression="REMOVE #status",
        ExpressionAttributeNames={"#status": "status"},
    )
    started = a_run().started(LATER)

    assert store.replace(started, RunStatus.QUEUED)
    assert store.get(started.id) == started


@pytest.mark.integration
@pytest.mark.parametrize("damaged", [{"S": "{}"}, {"S": "{"}, {"N": "1"}])
def test_a_record_that_cannot_be_read_is_named(
    dynamodb: DynamoDBClient, damaged: dict[str, str]
) -> None:
    project = uuid4().hex
    store = DynamoDbRunStore(dynamodb, TABLE, project)
    key = {"pk": {"S": f"runs#{project}"}, "sk": {"S": a_run().id}}
    item: Any = {**key, "run": damaged}
    dynamodb.put_item(TableName=TABLE, Item=item)

    asks: list[Callable[[], object]] = [lambda: store.get(a_run().id), lambda: store.list(10)]
    for ask in asks:
        with pytest.raises(StorageError, match=f"record of run {a_run().id}") as raised:
            ask()
        assert "delete that item" in str(raised.value.hint)


def of_tables(count: int) -> Run:
    progress = TableProgress(rows=5, status="complete")
    tables = {f"public.a_table_with_a_name_{n}": progress for n in range(count)}
    failed = {"public.failed": TableProgress(rows=0, status="failed")}
    result = A_BACKUP.model_copy(update={"warnings": tuple(tables)})
    return a_run(tables=tables | failed, result=result)


@pytest.mark.integration
@pytest.mark.parametrize("count", [10_000, 100_000])
def test_a_record_that_is_too_large_for_an_item_is_stored_without_details(
    dynamodb: DynamoDBClient, count: int
) -> None:
    store = DynamoDbRunStore(dynamodb, TABLE, uuid4().hex)
    run = of_tables(count)

    store.create(run)
    store.save(run)

    assert len(run.model_dump_json()) > 400_000
    assert store.get(run.id) == run.without_details()
    assert store.list(1) == [run.without_details()]


@pytest.mark.integration
@pytest.mark.parametrize(("tables", "shown"), [(40, 5), (100, 1), (500, 0)])
def test_a_dry_run_that_is_too_large_for_an_item_is_stored_with_fewer_rows(
    dynamodb: DynamoDBClient, tables: int, shown: int
) -> None:
    store = DynamoDbRunStore(dynamodb, TABLE, uuid4().hex)
    row = WholeRow(key={"id": "1"}, columns={f"c{n}": "x" * 20 for n in range(25)})
    table = RestoredTable(name="t", rows_in_backup=9, inserted=9, inserted_rows=5 * (row,))
    report = RestoreReport(
        backup="b", project="p", dry_run=True, read_from="x", tables=tables * (table,)
    )
    run = a_run(kind=RunKind.RESTORE, result=report)

    store.create(run)

    stored = store.get(run.id)
    assert stored is not None
    assert isinstance(stored.result, RestoreReport)
    assert [(t.inserted, len(t.inserted_rows)) for t in stored.result.tables] == tables * [
        (9, shown)
    ]


@pytest.mark.integration
def test_a_record_that_fits_an_item_is_stored_whole(dynamodb: DynamoDBClient) -> None:
    store = DynamoDbRunStore(dynamodb, TABLE, uuid4().hex)
    run = of_tables(2000)

    store.create(run)

    assert store.get(run.id) == run


@pytest.mark.integration
def test_a_table_that_does_not_exist_is_reported_by_its_setting(dynamodb: DynamoDBClient) -> None:
    store = DynamoDbRunStore(dynamodb, "no-such-table", "abc")

    for attempt in (
        lambda: store.create(a_run()),
        lambda: store.get(a_run().id),
        lambda: store.list(5),
        lambda: store.acquire_lease("database", a_run().id, NOON, LATER),
    ):
        with pytest.raises(ConfigurationError, match="no-such-table does not exist") as failed:
            attempt()
        assert failed.value.key == "RUNS_TABLE"


def test_a_table_that_does_not_answer_is_reported(request: pytest.FixtureRequest) -> None:
    session = boto3.Session("key-id", "key", region_name="us-east-1")
    client = session.client(
        "dynamodb",
        endpoint_url="http://127.0.0.1:9",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2),
    )
    request.addfinalizer(client.close)

    with pytest.raises(StorageUnavailableError, match="DynamoDB did not answer"):
        DynamoDbRunStore(client, TABLE, "abc").get(a_run().id)
