"""What the local stack promises: servers, routes, invocations, limits and an end without trace."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import psycopg
import pytest
from botocore.config import Config

from devstack.demo.seed import seed
from devstack.processes import guardian
from devstack.stack import Options, Stack, local_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parent.parent.parent
pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  SupabaseUrl: {Type: String}
  SupabaseProjectRef: {Type: String, Default: ""}
  Mirrored: {Type: String, Default: "true"}
Conditions:
  HasMirror: !Equals [!Ref Mirrored, "true"]
Globals:
  Function:
    Handler: app.lambda_handler
    Runtime: python3.13
    Timeout: 3
    Environment:
      Variables:
        SUPABASE_URL: !Ref SupabaseUrl
        SUPABASE_PROJECT_REF: !Ref SupabaseProjectRef
        SECRET_ID: !Ref Keys
        RUNS_TABLE: !Ref Runs
        MIRROR_S3_BUCKET: !If [HasMirror, !Ref Mirror, ""]
        OTHER: !Sub "${AWS::StackName}-other"
Resources:
  EchoFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: echo/
      FunctionName: !Sub "${AWS::StackName}-echo"
      MemorySize: 256
      EventInvokeConfig:
        MaximumRetryAttempts: 1
        DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt GivenUp.Arn}}
      Events:
        Nightly:
          Type: ScheduleV2
          Properties:
            Name: nightly
            ScheduleExpression: cron(0 3 * * ? *)
            ScheduleExpressionTimezone: UTC
            Input: '{"scheduled_at":"<aws.scheduler.scheduled-time>","execution_id":"<aws.scheduler.execution-id>"}'
        Any: {Type: HttpApi, Properties: {Path: /api/things, Method: ANY}}
        One: {Type: HttpApi, Properties: {Path: "/api/things/{name}", Method: GET}}
        Fixed: {Type: HttpApi, Properties: {Path: /api/things/newest, Method: GET}}
  GivenUp: {Type: AWS::SQS::Queue, Properties: {}}
  Keys: {Type: AWS::SecretsManager::Secret, Properties: {}}
  Mirror:
    Type: AWS::S3::Bucket
    Condition: HasMirror
    Properties: {VersioningConfiguration: {Status: Enabled}}
  Runs:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
"""

ECHO = """
import os, sys, time
from pathlib import Path

def lambda_handler(event, context):
    if "version" in event:
        return {"statusCode": 200, "headers": {"x-echo": "yes"}, "cookies": ["a=1", "b=2"], "body": event_text(event)}
    do = event.get("do")
    if do == "sleep":
        time.sleep(event["seconds"])
    if do == "raise":
        with Path(event["tally"]).open("a") as tally:
            tally.write("x")
        raise ValueError("no luck")
    if do == "exit":
        os._exit(3)
    if do == "import":
        return importable(event["name"])
    if do == "write":
        Path(event["file"]).write_text("done")
    return {
        "event": event,
        "environment": dict(os.environ),
        "executable": sys.executable,
        "arn": context.invoked_function_arn,
        "remaining": context.get_remaining_time_in_millis(),
        "request_id": context.aws_request_id,
    }

def importable(name):
    import importlib.util
    return importlib.util.find_spec(name) is not None

def event_text(event):
    import json
    if event["rawQueryString"] == "slow":
        time.sleep(2)
    return json.dumps(event)
"""


def make_project(folder: Path) -> Path:
    """A template with one function that tells what it was given."""
    (folder / "echo").mkdir(parents=True)
    (folder / "echo/app.py").write_text(ECHO)
    template = folder / "template.yaml"
    template.write_text(TEMPLATE)
    return template


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    options = Options(
        template=make_project(folder / "project"),
        build_folder=folder / "build",
        gateway_seconds=1,
        environment={"EXTRA": "more"},
    )
    with local_stack(folder / "run", options) as running:
        seed(running.database_url)
        yield running


def data_api(stack: Stack, path: str, key: str | None) -> httpx.Response:
    headers = {} if key is None else {"apikey": key}
    return httpx.get(f"{stack.supabase_url}/rest/v1/{path}", headers=headers)


def lambda_client(stack: Stack) -> Any:
    return boto3.client(
        "lambda",
        endpoint_url=stack.api_url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_the_data_api_serves_the_seeded_tables_to_the_service_key(stack: Stack) -> None:
    response = httpx.get(
        f"{stack.supabase_url}/rest/v1/credit_transactions?limit=5000",
        headers={"apikey": stack.service_key, "prefer": "count=exact"},
    )
    assert response.status_code == 206
    assert response.headers["content-range"] == "0-999/12400"


@pytest.mark.parametrize("key", [None, "sb_secret_" + "x" * 22 + "_12345678", "nonsense"])
def test_the_data_api_refuses_a_wrong_or_missing_key(stack: Stack, key: str | None) -> None:
    assert data_api(stack, "user_credits", key).status_code == 401


def test_the_publishable_key_sees_no_rows_of_others(stack: Stack) -> None:
    key = stack.lite.publishable_key
    assert data_api(stack, "user_credits", key).status_code == 401
    assert len(data_api(stack, "operation_costs", key).json()) == 12


def test_a_new_table_is_readable_through_the_default_privileges(stack: Stack) -> None:
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        database.execute("create table public.later (id int primary key)")
        try:
            assert data_api(stack, "later", stack.service_key).json() == []
            database.execute("revoke all on public.later from service_role")
            refused = data_api(stack, "later", stack.service_key)
        finally:
            database.execute("drop table public.later")
    assert (refused.status_code, refused.json()["code"]) == (403, "42501")


def test_storage_keeps_private_objects_in_the_stacks_folder(stack: Stack) -> None:
    keys = {"apikey": stack.service_key, "authorization": f"Bearer {stack.service_key}"}
    url = f"{stack.supabase_url}/storage/v1/object/backups/daily/a.json"
    assert httpx.post(url, content=b"{}", headers=keys).status_code == 200
    assert httpx.get(url, headers=keys).content == b"{}"
    assert httpx.get(url).status_code == 400
    wrong = {"authorization": "Bearer sb_secret_wrong"}
    assert httpx.post(url, content=b"{}", headers=wrong).status_code == 401
    assert (stack.lite.storage_folder / "backups/daily/a.json").read_bytes() == b"{}"


def test_the_seed_is_consistent_and_exercises_every_default_policy(stack: Stack) -> None:
    with psycopg.connect(stack.database_url) as database:

        def number(query: str) -> int:
            row = database.execute(query.encode()).fetchone()
            assert row is not None
            return int(row[0])

        assert number("select count(*) from user_credits") == 400
        assert number("select count(*) from credit_transactions") == 12_400
        assert number("select count(*) from batch_projects") >= 60
        old = "select count(*) from batch_images where created_at < now() - interval '30 days'"
        assert number(old) > 100
        assert number(old.replace("<", ">")) > 100
        assert number(
            "select max(abs(perceptual_hash)) / (2::bigint ^ 53)::bigint from batch_images"
        )
        wrong = """select count(*) from user_credits u where balance <>
                   (select sum(amount) from credit_transactions t where t.user_id = u.user_id)"""
        assert number(wrong) == 0
        next_id = "select nextval(pg_get_serial_sequence('credit_transactions', 'id'))"
        assert number(next_id) == 12_401


def test_jewelshot_has_the_trigger_of_every_project_which_needs_the_callers_search_path(
    stack: Stack,
) -> None:
    update = "update public.operation_costs set cost = cost where id = 1"
    changed = (
        "select updated_at > now() - interval '1 minute' from public.operation_costs where id = 1"
    )
    with psycopg.connect(stack.database_url) as database:
        database.execute(update)
        assert database.execute(changed.encode()).fetchone() == (True,)
        database.execute("set local search_path = pg_catalog")
        with pytest.raises(psycopg.errors.UndefinedFunction):
            database.execute(update)
        database.rollback()


def test_the_database_role_has_a_hosted_owners_rights(stack: Stack) -> None:
    with psycopg.connect(stack.database_url) as database:
        row = database.execute(
            "select rolsuper, rolbypassrls from pg_roles where rolname = current_user"
        ).fetchone()
        database.execute("set session_replication_role = replica")
    assert row == (False, True)


def test_what_the_template_declares_exists_in_aws(stack: Stack) -> None:
    s3 = stack.aws.s3()
    assert s3.get_bucket_versioning(Bucket=stack.mirror_bucket)["Status"] == "Enabled"
    table = stack.aws.dynamodb().describe_time_to_live(TableName=stack.runs_table)
    assert table["TimeToLiveDescription"]["AttributeName"] == "expires_at"
    secret_id = stack.environment()["SECRET_ID"]
    secret = stack.aws.secretsmanager().get_secret_value(SecretId=secret_id)["SecretString"]
    assert json.loads(secret) == {
        "SUPABASE_SERVICE_ROLE_KEY": stack.service_key,
        "ADMIN_KEY": stack.admin_key,
        "CRON_SECRET": stack.cron_secret,
    }


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


def test_no_key_is_written_to_a_log_or_a_command_line(stack: Stack) -> None:
    secrets = [stack.service_key, stack.admin_key, stack.cron_secret]
    written = "".join(file.read_text(errors="replace") for file in stack.logs.iterdir())
    assert "Server running" in written
    commands = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    for secret in secrets:
        assert secret not in written
        assert secret not in commands.stdout


def processes_of(folder: Path) -> list[str]:
    """Running processes that work in a folder or were told of it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            about = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            about += bytes((entry / "cwd").readlink())
            if bytes(folder) in about and int(entry.name) != os.getpid():
                found.append(f"{entry.name} {about[:200]!r}")
    return found


SLEEPER = """
import signal, sys, threading
# a shell that runs this in the background has it ignore SIGINT
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from devstack.stack import Options, local_stack
folder = Path(sys.argv[1])
options = Options(template=folder / "project/template.yaml", build_folder=folder / "build", migrate=False)
with local_stack(folder / "run", options) as stack:
    threading.Thread(
        target=stack.invoke, args=("EchoFunction", {"do": "sleep", "seconds": 60}), daemon=True
    ).start()
    stack.invoke("EchoFunction", {})
    print("up", stack.postgres.child.popen.pid, flush=True)
    if sys.argv[2] == "fail":
        raise RuntimeError("on purpose")
    threading.Event().wait()
"""


@pytest.mark.parametrize("end", ["fail", "SIGINT", "SIGTERM", "SIGKILL"])
def test_no_process_is_left_behind(tmp_path: Path, end: str) -> None:
    template = make_project(tmp_path / "project")
    template.write_text(TEMPLATE.replace("Timeout: 3", "Timeout: 100"))
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPER, str(tmp_path), end],
        stdout=subprocess.PIPE,
        cwd=PROJECT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            up = process.stdout.readline().split()
            assert up[:1] == ["up"]
            if end != "fail":
                process.send_signal(signal.Signals[end])
            process.wait(60)  # a busy disk makes PostgreSQL write its last checkpoint slowly
        finally:
            process.kill()
    deadline = time.monotonic() + 10
    while (left := processes_of(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
    assert not guardian.alive(int(up[1]))
