"""What every store of keys does: the port's contract over all adapters."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from supakeep.domain.api_key import Scope
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import Run, RunKind, new_run_id
from supakeep.errors import ApiKeyNotFoundError
from supakeep.ports import ApiKeyStore
from supakeep.runs.dynamodb import DynamoDbRunStore
from supakeep.runs.dynamodb_keys import DynamoDbApiKeyStore
from supakeep.runs.in_memory_keys import InMemoryApiKeyStore
from tests.builders.api_keys import an_api_key
from tests.contract.adapters import API_KEY_STORES
from tests.contract.conftest import RUNS_TABLE as TABLE
from tests.contract.conftest import each_of
from tests.fakes.time import NOON


@pytest.fixture(params=each_of(API_KEY_STORES))
def store(request: pytest.FixtureRequest) -> ApiKeyStore:
    """A store without any key; in DynamoDB that of a project of this test's own."""
    if request.param == "in_memory":
        return InMemoryApiKeyStore()
    return DynamoDbApiKeyStore(request.getfixturevalue("dynamodb"), TABLE, uuid4().hex)


def test_the_store_is_the_adapter_that_the_id_names(
    store: ApiKeyStore, request: pytest.FixtureRequest
) -> None:
    assert type(store) is API_KEY_STORES[request.node.callspec.params["store"]]


def test_a_new_store_has_no_key(store: ApiKeyStore) -> None:
    assert list(store.list_all()) == []


def test_keys_read_back_as_they_were_added_by_name(store: ApiKeyStore) -> None:
    other = an_api_key("b", scopes=(Scope.VIEW, Scope.RESTORE), expires_at=NOON)
    assert store.add(other)
    assert store.add(an_api_key("a"))

    assert list(store.list_all()) == [an_api_key("a"), other]


def test_a_name_is_taken_for_ever(store: ApiKeyStore) -> None:
    first = an_api_key("ci", secret="the first one")
    store.add(first)
    store.replace(first.revoked(NOON))

    assert not store.add(an_api_key("ci", secret="another one"))
    assert list(store.list_all()) == [first.revoked(NOON)]


def test_what_became_of_a_key_takes_the_place_of_what_it_was(store: ApiKeyStore) -> None:
    store.add(an_api_key("ci"))
    store.replace(an_api_key("ci").revoked(NOON + dt.timedelta(microseconds=1)))

    [key] = store.list_all()
    assert key.revoked_at == NOON + dt.timedelta(microseconds=1)


def test_a_key_that_is_not_there_cannot_be_replaced(store: ApiKeyStore) -> None:
    with pytest.raises(ApiKeyNotFoundError) as raised:
        store.replace(an_api_key("ci"))

    assert raised.value.message == "No key is named ci"
    assert list(store.list_all()) == []


def test_many_keys_are_all_listed(store: ApiKeyStore) -> None:
    names = [f"key-{number:03}" for number in range(120)]
    for name in names:
        store.add(an_api_key(name))

    assert [key.name for key in store.list_all()] == names


@pytest.mark.integration
def test_a_damaged_record_opens_nothing_and_hides_no_other(
    dynamodb: DynamoDBClient, caplog: pytest.LogCaptureFixture
) -> None:
    project = uuid4().hex
    store = DynamoDbApiKeyStore(dynamodb, TABLE, project)
    store.add(an_api_key("good"))
    item: dict[str, Any] = {"pk": {"S": f"keys#{project}"}, "sk": {"S": "bad"}}
    dynamodb.put_item(TableName=TABLE, Item={**item, "key": {"S": '{"name": "canary"}'}})

    assert [key.name for key in store.list_all()] == ["good"]
    assert "The record of the key bad cannot be read" in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.integration
def test_keys_stand_beside_runs_and_are_not_among_them(dynamodb: DynamoDBClient) -> None:
    project = uuid4().hex
    keys = DynamoDbApiKeyStore(dynamodb, TABLE, project)
    runs = DynamoDbRunStore(dynamodb, TABLE, project)
    run = Run(id=new_run_id(NOON), kind=RunKind.BACKUP, trigger=Trigger.API, requested_at=NOON)
    keys.add(an_api_key("ci"))
    runs.create(run)

    assert list(runs.list(10)) == [run]
    assert [key.name for key in keys.list_all()] == ["ci"]


@pytest.mark.integration
def test_the_table_never_holds_a_key_itself(dynamodb: DynamoDBClient) -> None:
    project = uuid4().hex
    DynamoDbApiKeyStore(dynamodb, TABLE, project).add(an_api_key("ci", secret="canary-of-a-key"))

    stored = dynamodb.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :keys",
        ExpressionAttributeValues={":keys": {"S": f"keys#{project}"}},
    )
    assert "canary-of-a-key" not in str(stored)
    # TTL would delete a key that is shown as expired
    assert "expires_at" not in stored["Items"][0]
