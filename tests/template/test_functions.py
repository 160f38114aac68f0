from __future__ import annotations

from typing import Any

import pytest

from supakeep.domain.run import QUEUE_SECONDS
from tests.template.stack import Stack

FUNCTIONS = ("BackupFunction", "RestoreFunction", "PruneFunction")
LAMBDA_LIMIT_SECONDS = 900


def test_there_are_exactly_three_functions(stack: Stack) -> None:
    assert set(stack.of_type("AWS::Lambda::Function")) == set(FUNCTIONS)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_runs_python_3_13_on_arm64(stack: Stack, function: str) -> None:
    properties = stack.properties(function)
    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == ["arm64"]
    assert properties["Handler"] == "app.lambda_handler"


def test_the_layers_are_built_for_what_the_functions_run_on(stack: Stack) -> None:
    layers = stack.of_type("AWS::Lambda::LayerVersion").values()
    assert [layer["CompatibleRuntimes"] for layer in layers] == [["python3.13"]] * 3
    assert [layer["CompatibleArchitectures"] for layer in layers] == [["arm64"]] * 3


def test_each_function_carries_the_programs_of_postgresql_that_it_runs(stack: Stack) -> None:
    shared = next(name for name in stack.of_type("AWS::Lambda::LayerVersion") if "Shared" in name)
    postgres = next(
        name for name in stack.of_type("AWS::Lambda::LayerVersion") if "Postgres" in name
    )
    pg_dump = next(name for name in stack.of_type("AWS::Lambda::LayerVersion") if "PgDump" in name)
    layers = {function: stack.properties(function)["Layers"] for function in FUNCTIONS}
    assert layers == {
        "BackupFunction": [shared, pg_dump],
        "RestoreFunction": [shared, postgres],
        "PruneFunction": [shared],
    }


@pytest.mark.parametrize(
    ("function", "timeout_seconds", "memory_mb", "storage_mb"),
    [
        ("BackupFunction", 900, 1024, 512),
        ("RestoreFunction", 900, 1024, 2048),
        ("PruneFunction", 300, 512, 512),
    ],
)
def test_a_function_has_the_time_memory_and_storage_it_needs(
    stack: Stack, function: str, timeout_seconds: int, memory_mb: int, storage_mb: int
) -> None:
    properties = stack.properties(function)
    assert properties["Timeout"] == timeout_seconds <= LAMBDA_LIMIT_SECONDS
    assert properties["MemorySize"] == memory_mb
    assert int(properties["EphemeralStorage"]["Size"]) == storage_mb


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_sets_no_concurrency_aside(stack: Stack, function: str) -> None:
    assert "ReservedConcurrentExecutions" not in stack.properties(function)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_traced(stack: Stack, function: str) -> None:
    assert stack.properties(function)["TracingConfig"] == {"Mode": "Active"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_functions_environment_is_what_the_settings_read(stack: Stack, function: str) -> None:
    schedules = {
        "BACKUP_SCHEDULE": "cron(0 3 * * ? *)",
        "BACKUP_SCHEDULE_STATE": "ENABLED",
        "PRUNE_SCHEDULE": "cron(30 4 * * ? *)",
        "DRILL_SCHEDULE": "cron(0 5 1 * ? *)",
        "MAX_BACKUP_AGE_HOURS": "26",
    }
    assert stack.properties(function)["Environment"]["Variables"] == {
        **(schedules if function == "RestoreFunction" else {}),
        **({"DRILL_FUNCTION_NAME": ""} if function == "BackupFunction" else {}),
        "SUPABASE_URL": "https://abcdefghijklmnopqrst.supabase.co",
        "SUPABASE_PROJECT_REF": "",
        "SECRET_ID": "KeysSecret",
        "ADMIN_KEY_SECRET_ID": "AdminKeySecret",
        "SIGNING_KEY_SECRET_ID": "SigningKeySecret",
        "RUNS_TABLE": "RunsTable",
        "MIRROR_S3_BUCKET": "MirrorBucket",
        "COPIES": "",
        "BACKUP_BUCKET": "backups",
        "DB_CONNECTIONS": "2",
        "MAX_OBJECT_BYTES": str(45 * 1024 * 1024),
        "PRUNE_FUNCTION_NAME": stack.properties("PruneFunction")["FunctionName"],
        "LOG_LEVEL": "INFO",
        "POWERTOOLS_SERVICE_NAME": "supakeep",
        "POWERTOOLS_METRICS_NAMESPACE": "Supakeep",
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_logs_to_its_own_group(stack: Stack, function: str) -> None:
    properties = stack.properties(function)
    group = properties["LoggingConfig"]["LogGroup"]
    assert group == function.replace("Function", "LogGroup")
    assert stack.properties(group)["LogGroupName"] == f"/aws/lambda/{properties['FunctionName']}"


def test_every_log_is_kept_for_as_long_as_the_parameter_says(stack: Stack) -> None:
    groups = stack.of_type("AWS::Logs::LogGroup")
    assert len(groups) == len(FUNCTIONS) + 1
    assert {group["RetentionInDays"] for group in groups.values()} == {"30"}


@pytest.mark.parametrize(
    ("function", "retries"), [("BackupFunction", 1), ("RestoreFunction", 0), ("PruneFunction", 1)]
)
def test_an_asynchronous_run_is_retried_only_where_that_is_safe(
    stack: Stack, function: str, retries: int
) -> None:
    assert invoke_config(stack, function)["MaximumRetryAttempts"] == retries


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_event_waits_longer_than_a_queued_run_counts_as_alive(
    stack: Stack, function: str
) -> None:
    assert invoke_config(stack, function)["MaximumEventAgeInSeconds"] <= QUEUE_SECONDS


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_event_that_is_given_up_is_kept_in_the_dead_letter_queue(
    stack: Stack, function: str
) -> None:
    destination = invoke_config(stack, function)["DestinationConfig"]["OnFailure"]["Destination"]
    assert destination == "DeadLetterQueue.Arn"


def invoke_config(stack: Stack, function: str) -> dict[str, Any]:
    configs = stack.of_type("AWS::Lambda::EventInvokeConfig").values()
    return next(config for config in configs if config["FunctionName"] == function)
