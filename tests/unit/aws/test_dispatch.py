from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from supakeep.aws.dispatch import _RESERVE_MILLISECONDS, LambdaDeadline, LambdaDispatcher
from supakeep.errors import (
    ConfigurationError,
    DeadlineExceededError,
    StorageUnavailableError,
)
from supakeep.wiring import FOR_WORK


@pytest.fixture
def client() -> Any:
    session = boto3.Session("key-id", "key", region_name="eu-central-1")
    return session.client("lambda")


def test_work_is_handed_to_the_function_of_its_action(client: Any) -> None:
    dispatcher = LambdaDispatcher(client, {"backup": "b", "restore": "r", "prune": "p"})
    payload = {"run_id": "20261122T120000Z-1a2b3c4d", "dry_run": False}
    sent = json.dumps({**payload, "action": "prune"}).encode()
    expected = {"FunctionName": "p", "InvocationType": "Event", "Payload": sent}

    with Stubber(client) as stub:
        stub.add_response("invoke", {"StatusCode": 202}, expected)
        dispatcher.dispatch("prune", payload)
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("functions", [{}, {"prune": None}, {"prune": ""}])
def test_an_action_without_a_function_is_refused_by_the_settings_name(
    client: Any, functions: dict[Any, str | None]
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        LambdaDispatcher(client, functions).dispatch("prune", {})

    assert refused.value.key == "PRUNE_FUNCTION_NAME"


@pytest.mark.parametrize("code", ["TooManyRequestsException", "AccessDeniedException"])
def test_a_function_that_cannot_be_started_is_reported(client: Any, code: str) -> None:
    dispatcher = LambdaDispatcher(client, {"backup": "the-function"})

    with Stubber(client) as stub:
        stub.add_client_error("invoke", code, expected_params={
            "FunctionName": ANY, "InvocationType": "Event", "Payload": ANY,
        })  # fmt: skip
        with pytest.raises(
            StorageUnavailableError, match=f"the-function could not be started: {code}"
        ):
            dispatcher.dispatch("backup", {})


def test_the_deadline_leaves_time_to_end_in_good_order() -> None:
    LambdaDeadline(lambda: 20_000).check()

    with pytest.raises(DeadlineExceededError) as reached:
        LambdaDeadline(lambda: 19_999).check()
    assert reached.value.hint is not None
    assert "Timeout" in reached.value.hint


def test_the_record_of_a_runs_end_fits_the_time_that_is_kept_for_it() -> None:
    """However slowly the table answers: what comes after the deadline is one heartbeat at most."""
    one_call_seconds = FOR_WORK.aws_attempts * (FOR_WORK.connect_seconds + FOR_WORK.aws_seconds)

    assert one_call_seconds * 1000 <= _RESERVE_MILLISECONDS
