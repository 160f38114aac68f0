"""How the local stack runs functions: by event, by schedule, over HTTP and through Lambda's Invoke."""

from __future__ import annotations

import http.client
import json
import re
import time
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from devstack.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]


@pytest.fixture
def stack(echo_stack: Stack) -> Stack:
    return echo_stack


def lambda_client(stack: Stack) -> Any:
    return boto3.client(
        "lambda",
        endpoint_url=stack.api_url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_a_function_runs_in_the_lambda_runtime_with_the_templates_environment(stack: Stack) -> None:
    answer = stack.invoke("EchoFunction", {"a": 1}).value()
    environment = answer["environment"]
    assert answer["event"] == {"a": 1}
    assert answer["arn"].endswith(":function:supakeep-echo")
    assert 1000 < answer["remaining"] <= 3000
    assert environment["OTHER"] == "supakeep-other"
    assert environment["EXTRA"] == "more"
    assert environment["SUPABASE_URL"] == stack.supabase_url
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert ("AWS_LAMBDA_RUNTIME_API" in environment) == (stack.why_not_emulated is None)


def test_a_function_cannot_import_what_only_the_test_environment_has(stack: Stack) -> None:
    assert stack.invoke("EchoFunction", {"do": "import", "name": "psycopg"}).value() is False
    assert stack.invoke("EchoFunction", {"do": "import", "name": "json"}).value() is True


def test_this_processes_environment_does_not_reach_a_function(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    assert "AWS_PROFILE" not in stack.invoke("EchoFunction", {}).value()["environment"]


def test_a_failing_function_answers_with_its_error(stack: Stack, tmp_path: Path) -> None:
    result = stack.invoke("EchoFunction", {"do": "raise", "tally": str(tmp_path / "tally")})
    assert (result.error, result.value()["errorType"]) == ("Unhandled", "ValueError")


def test_a_function_that_takes_too_long_is_ended_and_the_next_call_works(stack: Stack) -> None:
    started = time.monotonic()
    result = stack.invoke("EchoFunction", {"do": "sleep", "seconds": 20})
    assert result.error == "Unhandled"
    assert "timed out after 3.00 seconds" in result.value()["errorMessage"]
    assert time.monotonic() - started < 6
    assert stack.invoke("EchoFunction", {"again": True}).error is None


def test_a_function_that_exits_is_reported_and_the_next_call_works(stack: Stack) -> None:
    result = stack.invoke("EchoFunction", {"do": "exit"})
    assert (result.error, result.value()["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert stack.invoke("EchoFunction", {}).error is None


def test_a_schedule_sends_the_templates_input_with_its_attributes_filled_in(stack: Stack) -> None:
    event = stack.schedule("EchoFunction").value()["event"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["scheduled_at"])
    assert re.fullmatch(r"[0-9a-f-]{36}", event["execution_id"])


def test_a_request_becomes_an_event_of_payload_format_2(stack: Stack) -> None:
    response = httpx.post(
        f"{stack.api_url}/api/things?a=1&a=2&b=",
        json={"x": "é"},
        headers={"X-Twice": "1", "Authorization": "Bearer k", "Cookie": "c=3; d=4"},
    )
    event = response.json()
    assert response.status_code == 200
    assert response.headers["x-echo"] == "yes"
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert event["version"] == "2.0"
    assert event["routeKey"] == "ANY /api/things"
    assert event["rawQueryString"] == "a=1&a=2&b="
    assert event["queryStringParameters"] == {"a": "1,2", "b": ""}
    assert event["headers"]["authorization"] == "Bearer k"
    assert event["cookies"] == ["c=3", "d=4"]
    assert json.loads(event["body"]) == {"x": "é"}
    assert event["isBase64Encoded"] is False
    assert event["requestContext"]["http"]["method"] == "POST"
    assert "pathParameters" not in event


def test_a_path_parameter_arrives_decoded_and_a_fixed_path_comes_first(stack: Stack) -> None:
    event = httpx.get(f"{stack.api_url}/api/things/a%2Fb%20c").json()
    assert event["pathParameters"] == {"name": "a/b c"}
    assert event["routeKey"] == "GET /api/things/{name}"
    fixed = httpx.get(f"{stack.api_url}/api/things/newest").json()
    assert fixed["routeKey"] == "GET /api/things/newest"


def test_a_body_that_is_not_text_arrives_in_base64(stack: Stack) -> None:
    event = httpx.post(f"{stack.api_url}/api/things", data={"a": "b"}).json()
    assert (event["body"], event["isBase64Encoded"]) == ("YT1i", True)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nope"), ("POST", "/api/things/x"), ("GET", "/api/things/")]
)
def test_a_request_without_a_route_is_not_found(stack: Stack, method: str, path: str) -> None:
    response = httpx.request(method, f"{stack.api_url}{path}")
    assert (response.status_code, response.json()) == (404, {"message": "Not Found"})


def test_a_request_that_takes_too_long_gets_503(stack: Stack) -> None:
    response = httpx.get(f"{stack.api_url}/api/things?slow")
    assert (response.status_code, response.json()) == (503, {"message": "Service Unavailable"})


def test_a_body_over_ten_megabytes_gets_413(stack: Stack) -> None:
    host, port = stack.api_url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    # answered by the announced length alone, before the body is sent
    connection.putrequest("POST", "/api/things")
    connection.putheader("content-length", "10485761")
    connection.endheaders()
    response = connection.getresponse()
    connection.close()
    assert response.status == 413


@pytest.mark.parametrize(
    ("content_type", "megabytes"),
    [
        ("text/plain", 7),
        # base64 makes a third more of it
        ("application/octet-stream", 5),
    ],
)
def test_an_event_over_lambdas_six_megabytes_gets_413_from_the_gateway(
    stack: Stack, content_type: str, megabytes: int
) -> None:
    response = httpx.post(
        f"{stack.api_url}/api/things",
        content=b"x" * megabytes * 1024 * 1024,
        headers={"content-type": content_type},
        timeout=60,
    )
    assert (response.status_code, response.json()) == (413, {"message": "Request Entity Too Large"})


def test_an_event_below_lambdas_six_megabytes_reaches_the_function(stack: Stack) -> None:
    body = "x" * (5 * 1024 * 1024)
    response = httpx.post(
        f"{stack.api_url}/api/things",
        content=body,
        headers={"content-type": "text/plain"},
        timeout=60,
    )
    assert (response.status_code, len(response.json()["body"])) == (200, len(body))


def test_boto3_invokes_a_function_and_sees_its_error(stack: Stack, tmp_path: Path) -> None:
    client = lambda_client(stack)
    good = client.invoke(FunctionName="supakeep-echo", Payload=b'{"a": 2}')
    assert json.load(good["Payload"])["event"] == {"a": 2}
    assert "FunctionError" not in good
    event = json.dumps({"do": "raise", "tally": str(tmp_path / "tally")})
    arn = "arn:aws:lambda:us-east-1:123456789012:function:supakeep-echo"
    bad = client.invoke(FunctionName=arn, Payload=event)
    assert bad["FunctionError"] == "Unhandled"
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName="supakeep-none", Payload=b"{}")


def test_boto3_invokes_asynchronously_and_the_work_goes_on(stack: Stack, tmp_path: Path) -> None:
    done = tmp_path / "done"
    answer = lambda_client(stack).invoke(
        FunctionName="supakeep-echo",
        InvocationType="Event",
        Payload=json.dumps({"do": "write", "file": str(done)}),
    )
    assert answer["StatusCode"] == 202
    stack.wait_idle(10)
    assert done.read_text() == "done"


def test_a_failed_asynchronous_invocation_is_retried_as_the_template_says(
    stack: Stack, tmp_path: Path
) -> None:
    tally = tmp_path / "tally"
    stack.invoke_later("EchoFunction", {"do": "raise", "tally": str(tally)})
    stack.wait_idle(20)
    assert tally.read_text() == "xx"


def test_what_is_given_up_reaches_the_dead_letter_queue(stack: Stack, tmp_path: Path) -> None:
    event = {"do": "raise", "tally": str(tmp_path / "tally")}
    stack.invoke_later("EchoFunction", event)
    stack.wait_idle(20)
    letter = next(item for item in dead_letters(stack) if item["requestPayload"] == event)
    assert letter["requestContext"]["condition"] == "RetriesExhausted"
    assert letter["requestContext"]["approximateInvokeCount"] == 2
    assert letter["responsePayload"]["errorMessage"] == "no luck"


def dead_letters(stack: Stack) -> list[dict[str, Any]]:
    sqs = stack.aws.sqs()
    [queue] = sqs.list_queues()["QueueUrls"]
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    return [json.loads(message["Body"]) for message in messages]


def test_invocations_run_beside_each_other(stack: Stack) -> None:
    stack.invoke("EchoFunction", {})
    started = time.monotonic()
    stack.invoke_later("EchoFunction", {"do": "sleep", "seconds": 1.5})
    assert stack.invoke("EchoFunction", {}).error is None
    assert time.monotonic() - started < 1.2
    stack.wait_idle(10)
