from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.builders.lambda_events import settings
from tests.template.conftest import MakeStack
from tests.template.stack import Stack

SECRET_NAME = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL", re.IGNORECASE)


def references(value: Any) -> set[str]:
    """Every name that a `Ref` or a `${…}` mentions."""
    if isinstance(value, list):
        return set().union(*map(references, value))
    if isinstance(value, str):
        return set(re.findall(r"\$\{(\w+)\}", value))
    if not isinstance(value, dict):
        return set()
    named = {value["Ref"]} if isinstance(value.get("Ref"), str) else set()
    return named | set().union(*map(references, value.values()))


def test_every_parameter_is_used(template: dict[str, Any]) -> None:
    body = [template[section] for section in ("Conditions", "Resources", "Outputs")]
    assert set(template["Parameters"]) <= references(body)


def test_every_condition_is_used(template: dict[str, Any]) -> None:
    body = json.dumps([template[section] for section in ("Conditions", "Resources", "Outputs")])
    unused = [name for name in template["Conditions"] if body.count(f'"{name}"') < 2]
    assert unused == []


def test_only_the_projects_url_has_to_be_given(template: dict[str, Any]) -> None:
    required = {n for n, parameter in template["Parameters"].items() if "Default" not in parameter}
    assert required == {"SupabaseUrl"}


def test_every_parameter_is_explained(template: dict[str, Any]) -> None:
    assert all(parameter.get("Description") for parameter in template["Parameters"].values())


def test_no_secret_is_a_parameter(template: dict[str, Any]) -> None:
    assert [name for name in template["Parameters"] if SECRET_NAME.search(name)] == [
        "ExistingSecretArn",
        "ExistingSecretKeyArn",
        "MirrorKeyArn",
        "TableKeyArn",
        "QueueKeyArn",
        "LogsKeyArn",
        "SecretKeyArn",
    ]


def test_no_secret_is_an_environment_variable(stack: Stack) -> None:
    names = {
        name
        for function in stack.of_type("AWS::Lambda::Function").values()
        for name in function["Environment"]["Variables"]
        if SECRET_NAME.search(name)
    }
    assert names == {"SECRET_ID", "ADMIN_KEY_SECRET_ID", "SIGNING_KEY_SECRET_ID"}


def test_no_output_shows_a_secrets_value(template: dict[str, Any]) -> None:
    assert "resolve:" not in json.dumps(template)


@pytest.mark.parametrize(
    ("url", "accepted"),
    [
        ("https://abcdefghijklmnopqrst.supabase.co", True),
        ("https://abcdefghijklmnopqrst.supabase.co/", True),
        ("https://backups.example.com", True),
        ("http://abcdefghijklmnopqrst.supabase.co", False),
        ("abcdefghijklmnopqrst.supabase.co", False),
        ("https://abcdefghijklmnopqrst.supabase.co/rest/v1", False),
        ("postgres://postgres@db.example.com", False),
        ("", False),
    ],
)
def test_a_url_that_is_no_supabase_url_is_refused_at_deployment(
    template: dict[str, Any], url: str, accepted: bool
) -> None:
    pattern = template["Parameters"]["SupabaseUrl"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, url)) is accepted


ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:"
KEY_ARN = "arn:aws:kms:eu-central-1:123456789012:"


@pytest.mark.parametrize(
    ("parameter", "value", "accepted"),
    [
        ("ExistingSecretArn", "", True),
        ("ExistingSecretArn", f"{ARN}keys-AbCdEf", True),
        ("ExistingSecretArn", f"{ARN}prod/supakeep/keys-a1B2c3", True),
        ("ExistingSecretArn", f"{ARN}keys-AbCdEf".replace("aws", "aws-us-gov"), True),
        ("ExistingSecretArn", f"{ARN}keys", False),
        ("ExistingSecretArn", f"{ARN}supakeep-prod", False),
        ("ExistingSecretArn", "keys-AbCdEf", False),
        ("ExistingSecretKeyArn", "", True),
        ("ExistingSecretKeyArn", f"{KEY_ARN}key/1234abcd-12ab-34cd-56ef-1234567890ab", True),
        ("ExistingSecretKeyArn", f"{KEY_ARN}key/mrk-1234abcd12ab34cd56ef1234567890ab", True),
        ("ExistingSecretKeyArn", f"{KEY_ARN}alias/mine", False),
        ("ExistingSecretKeyArn", "1234abcd-12ab-34cd-56ef-1234567890ab", False),
        ("MirrorKeyArn", f"{KEY_ARN}alias/mine", False),
    ],
)
def test_an_arn_that_would_be_denied_is_refused_at_deployment(
    template: dict[str, Any], parameter: str, value: str, accepted: bool
) -> None:
    described = template["Parameters"][parameter]

    assert bool(re.fullmatch(described["AllowedPattern"], value)) is accepted
    assert described["ConstraintDescription"]


def test_two_of_the_largest_objects_fit_the_functions_temporary_folder(stack: Stack) -> None:
    """One fills while the other is uploaded; a bundle of modules and a connection need little."""
    largest = stack.template["Parameters"]["MaxObjectBytes"]["MaxValue"]
    for function in ("BackupFunction", "RestoreFunction"):
        folder = int(stack.properties(function)["EphemeralStorage"]["Size"]) * 1024 * 1024
        assert 2 * largest + 64 * 1024 * 1024 <= folder


@pytest.mark.parametrize("bound", ["MinValue", "MaxValue", "Default"])
def test_the_settings_take_every_size_that_the_template_allows(
    template: dict[str, Any], bound: str
) -> None:
    size = template["Parameters"]["MaxObjectBytes"][bound]

    assert settings(max_object_bytes=size).max_object_bytes == size


def test_the_default_largest_object_fits_the_free_plan(template: dict[str, Any]) -> None:
    assert template["Parameters"]["MaxObjectBytes"]["Default"] == 45 * 1024 * 1024 < 50_000_000


def test_the_outputs_tell_what_a_user_needs_next(make_stack: MakeStack) -> None:
    assert make_stack().outputs == {
        "ApiUrl": "https://HttpApi.execute-api.eu-central-1.amazonaws.com",
        "DashboardUrl": "https://HttpApi.execute-api.eu-central-1.amazonaws.com/admin/dashboard",
        "CloudWatchDashboardUrl": "https://eu-central-1.console.aws.amazon.com/cloudwatch/home"
        "?region=eu-central-1#dashboards/dashboard/Dashboard",
        "SecretArn": "KeysSecret",
        "AdminKeySecretArn": "AdminKeySecret",
        "SigningKeySecretArn": "SigningKeySecret",
        "MirrorBucket": "MirrorBucket",
        "BackupFunctionName": "BackupFunction",
        "RestoreFunctionName": "RestoreFunction",
        "PruneFunctionName": "PruneFunction",
        "RunsTableName": "RunsTable",
        "DeadLetterQueueUrl": "DeadLetterQueue",
    }
