"""Schedules and routes, and an event file for each of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from supakeep.api.routes import ROUTES as KNOWN
from tests.template.conftest import MakeStack
from tests.template.stack import Stack

EVENTS = Path(__file__).parents[2] / "events"
ROUTES = {
    "/api/admin/backup": "BackupFunction",
    "/api/cron/backup": "BackupFunction",
    "/api/admin/restore": "RestoreFunction",
    "/api/admin/restore/undo": "RestoreFunction",
    "/api/admin/backups/{name}/verify": "RestoreFunction",
    "/api/admin/backups/{name}/copy": "RestoreFunction",
    "/api/admin/drills": "RestoreFunction",
    "/api/admin/ledger": "RestoreFunction",
    "/api/admin/audit": "RestoreFunction",
    "/api/admin/keys": "RestoreFunction",
    "/api/admin/health": "RestoreFunction",
    "/api/admin/coverage": "RestoreFunction",
    "/api/admin/backups": "RestoreFunction",
    "/api/admin/backups/{name}": "RestoreFunction",
    "/api/admin/backups/{name}/download": "RestoreFunction",
    "/api/openapi.json": "RestoreFunction",
    "/api/admin/overview": "RestoreFunction",
    "/api/admin/settings": "RestoreFunction",
    "/api/admin/retention": "RestoreFunction",
    "/api/admin/runs": "RestoreFunction",
    "/api/admin/runs/{id}": "RestoreFunction",
    "/api/admin/prune": "PruneFunction",
    "/api/admin/backups/{name}/pin": "PruneFunction",
    "/admin/dashboard": "RestoreFunction",
    "/admin/dashboard/{file}": "RestoreFunction",
}
SCHEDULES = {
    "backup": "BackupFunctionNightly",
    "prune": "PruneFunctionDaily",
    "drill": "RestoreFunctionDrill",
}
CARRIED_OUT_BY = {"backup": "backup", "prune": "prune", "drill": "restore"}
TRIGGERS = {
    "backup": {
        "schedule", "eventbridge_rule", "http_admin", "http_cron_get", "http_cron_post",
        "direct", "self_invoke",
    },
    "restore": {
        "http_restore", "http_list", "http_show", "http_download", "http_runs", "http_ledger",
        "http_run", "http_audit", "http_keys", "http_health", "http_coverage",
        "http_overview", "http_settings", "http_retention", "http_undo", "http_openapi",
        "http_verify", "direct_verify", "http_copy", "direct_copy", "http_drill", "direct_drill", "schedule",
        "http_dashboard", "http_dashboard_asset",
        "direct", "direct_dry_run", "self_invoke",
    },
    "prune": {
        "schedule", "measure", "http_admin", "http_pin", "http_unpin", "direct", "direct_dry_run",
    },
}  # fmt: skip


def event(function: str, trigger: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / function / f"{trigger}.json").read_text())
    return loaded


HTTP_EVENTS = [
    (function, trigger)
    for function, triggers in TRIGGERS.items()
    for trigger in sorted(triggers)
    if trigger.startswith("http_")
]


def test_every_route_takes_any_method_and_reaches_its_function(stack: Stack) -> None:
    found = {}
    for path, methods in stack.properties("HttpApi")["Body"]["paths"].items():
        assert methods.keys() == {"x-amazon-apigateway-any-method"}
        integration = methods["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]
        assert integration["payloadFormatVersion"] == "2.0"
        function = re.search(r"functions/(\w+)\.Arn/", integration["uri"])
        found[path] = function[1] if function else None
    assert found == ROUTES


def test_the_http_api_is_throttled_and_keeps_an_access_log(stack: Stack) -> None:
    stage = stack.properties("HttpApiApiGatewayDefaultStage")
    assert stage["StageName"] == "$default"
    assert stage["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": 10,
        "ThrottlingBurstLimit": 20,
    }
    assert stage["AccessLogSettings"]["DestinationArn"] == "HttpApiLogGroup.Arn"
    assert "sourceIp" in json.loads(stage["AccessLogSettings"]["Format"])


def test_no_page_of_another_origin_may_call_the_http_api(stack: Stack) -> None:
    assert "CorsConfiguration" not in stack.properties("HttpApi")
    assert "x-amazon-apigateway-cors" not in stack.properties("HttpApi")["Body"]


@pytest.mark.parametrize(
    ("schedule", "expression"),
    [
        ("BackupFunctionNightly", "cron(0 3 * * ? *)"),
        ("PruneFunctionDaily", "cron(30 4 * * ? *)"),
        ("PruneFunctionMeasure", "rate(10 minutes)"),
        ("RestoreFunctionDrill", "cron(0 5 1 * ? *)"),
    ],
)
def test_a_schedule_fires_at_its_time_in_utc(stack: Stack, schedule: str, expression: str) -> None:
    properties = stack.properties(schedule)
    assert properties["ScheduleExpression"] == expression
    assert properties["ScheduleExpressionTimezone"] == "UTC"
    assert properties["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert properties.get("State", "ENABLED") == "ENABLED"


@pytest.mark.parametrize(
    "expression", ["cron(0 3 * * ? *)", "cron(0 */6 * * ? *)", "cron(0 0 ? * SUN *)"]
)
def test_the_backup_schedule_is_the_users_choice(make_stack: MakeStack, expression: str) -> None:
    stack = make_stack(BackupSchedule=expression, BackupScheduleState="DISABLED")
    assert stack.properties("BackupFunctionNightly")["ScheduleExpression"] == expression
    assert stack.properties("BackupFunctionNightly")["State"] == "DISABLED"


@pytest.mark.parametrize(
    ("asked", "state", "dispatched_to"),
    [
        ("cron(0 5 * * ? *)", "ENABLED", ""),
        ("after-each-backup", "DISABLED", "supakeep-restore"),
        ("never", "DISABLED", ""),
    ],
)
def test_drills_are_scheduled_follow_each_backup_or_are_left_out(
    make_stack: MakeStack, asked: str, state: str, dispatched_to: str
) -> None:
    stack = make_stack(DrillSchedule=asked)
    schedule = stack.properties("RestoreFunctionDrill")
    assert (schedule["State"], schedule["ScheduleExpression"][:5]) in [
        ("ENABLED", asked[:5]),
        ("DISABLED", "rate("),
    ]
    assert schedule["State"] == state
    variables = stack.properties("BackupFunction")["Environment"]["Variables"]
    assert variables["DRILL_FUNCTION_NAME"] == dispatched_to
    assert ("NoProofAlarm" in stack.resources) == (asked != "never")


@pytest.mark.parametrize(
    ("action", "schedule"), [*SCHEDULES.items(), ("measure", "PruneFunctionMeasure")]
)
def test_a_schedule_tells_what_to_do_when_it_was_due_and_its_execution(
    stack: Stack, action: str, schedule: str
) -> None:
    assert json.loads(stack.properties(schedule)["Target"]["Input"]) == {
        "source": "supakeep.schedule",
        "action": action,
        "scheduled_at": "<aws.scheduler.scheduled-time>",
        "execution_id": "<aws.scheduler.execution-id>",
    }


@pytest.mark.parametrize(("action", "schedule"), SCHEDULES.items())
def test_a_schedule_retries_a_failed_delivery_and_then_keeps_it(
    stack: Stack, action: str, schedule: str
) -> None:
    target = stack.properties(schedule)["Target"]
    assert target["Arn"] == f"{CARRIED_OUT_BY[action].title()}Function.Arn"
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 5, "MaximumEventAgeInSeconds": 3600}
    assert target["DeadLetterConfig"] == {"Arn": "DeadLetterQueue.Arn"}


def test_a_measurement_that_is_late_is_dropped(stack: Stack) -> None:
    target = stack.properties("PruneFunctionMeasure")["Target"]
    assert target["Arn"] == "PruneFunction.Arn"
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert "DeadLetterConfig" not in target


def test_two_stacks_in_one_account_have_different_names_for_everything(stack: Stack) -> None:
    named = {
        "AWS::Lambda::Function": "FunctionName",
        "AWS::Logs::LogGroup": "LogGroupName",
        "AWS::Scheduler::Schedule": "Name",
    }
    for resource_type, key in named.items():
        names = [properties[key] for properties in stack.of_type(resource_type).values()]
        assert len(names) == len(set(names)) > 1
        assert all("supakeep-" in name for name in names)


@pytest.mark.parametrize("function", TRIGGERS)
def test_there_is_an_event_file_for_every_trigger(function: str) -> None:
    assert {path.stem for path in (EVENTS / function).iterdir()} == TRIGGERS[function]


def test_there_is_an_event_file_for_every_route() -> None:
    routes = {event(*names)["routeKey"].removeprefix("ANY ") for names in HTTP_EVENTS}
    assert routes == set(ROUTES)


@pytest.mark.parametrize(("function", "trigger"), HTTP_EVENTS)
def test_an_http_event_is_what_the_http_api_would_send(function: str, trigger: str) -> None:
    sent = event(function, trigger)
    route = sent["routeKey"].removeprefix("ANY ")
    context = sent["requestContext"]
    assert sent["version"] == "2.0"
    assert ROUTES[route] == f"{function.title()}Function"
    assert route.format(**sent.get("pathParameters", {})) == sent["rawPath"]
    assert context["routeKey"] == sent["routeKey"]
    assert context["http"]["path"] == sent["rawPath"]
    assert context["stage"] == "$default"
    assert int(sent["headers"].get("content-length", 0)) == len(sent.get("body", ""))


@pytest.mark.parametrize(("function", "trigger"), HTTP_EVENTS)
def test_an_http_event_carries_a_placeholder_for_a_key(function: str, trigger: str) -> None:
    if "dashboard" in trigger:
        # a page that anyone may load asks for the key itself
        assert "authorization" not in event(function, trigger)["headers"]
        return
    key = "local-cron-secret" if "cron" in trigger else "local-admin-key"
    assert event(function, trigger)["headers"]["authorization"] == f"Bearer {key}"


@pytest.mark.parametrize(("action", "schedule"), SCHEDULES.items())
def test_a_schedules_event_file_has_the_shape_of_its_input(
    stack: Stack, action: str, schedule: str
) -> None:
    sent = event(CARRIED_OUT_BY[action], "schedule")
    declared = json.loads(stack.properties(schedule)["Target"]["Input"])
    assert sent.keys() == declared.keys()
    assert (sent["source"], sent["action"]) == (declared["source"], declared["action"])


def test_the_functions_know_the_methods_of_each_route(stack: Stack) -> None:
    routed = set(stack.properties("HttpApi")["Body"]["paths"])
    # the page's own answers are not JSON
    assert set(KNOWN) == {path for path in routed if path.startswith("/api/")}
