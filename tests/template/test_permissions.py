"""Each function may do what it does, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.template.conftest import MakeStack
from tests.template.stack import Stack

FUNCTIONS = ("backup", "restore", "prune")
LAMBDA = "arn:aws:lambda:eu-central-1:123456789012:function:supakeep"
DAILY = "arn:aws:s3:::MirrorBucket/daily/*"
MIRROR = "arn:aws:s3:::MirrorBucket"
LEDGER = "arn:aws:s3:::MirrorBucket/ledger/*"
AUDIT = "arn:aws:s3:::MirrorBucket/audit/*"
FILES = "arn:aws:s3:::MirrorBucket/files/*"

# What each function does anyhow: trace, read the keys, record its run, report a lost event.
EVERY_FUNCTION = {
    ("xray:PutTelemetryRecords", "*"),
    ("xray:PutTraceSegments", "*"),
    ("secretsmanager:GetSecretValue", "KeysSecret"),
    ("secretsmanager:GetSecretValue", "AdminKeySecret"),
    ("secretsmanager:GetSecretValue", "SigningKeySecret"),
    *(
        (f"dynamodb:{action}", f"RunsTable.Arn {prefix}")
        for action in ("GetItem", "PutItem", "Query", "UpdateItem")
        for prefix in ("runs#*", "lease#*")
    ),
    # and none may make itself a key
    ("dynamodb:Query", "RunsTable.Arn keys#*"),
    ("sqs:SendMessage", "DeadLetterQueue.Arn"),
}
ON_THE_MIRROR = {
    "backup": {
        ("s3:PutObject", AUDIT),
        ("s3:GetObject", AUDIT),
        ("s3:PutObject", FILES),
        ("s3:GetObject", FILES),
        ("s3:PutObject", DAILY),
        ("s3:AbortMultipartUpload", DAILY),
        ("s3:GetObject", DAILY),
        ("s3:ListBucket", MIRROR),
    },
    # what it keeps for an undo is a backup like any other; a drill is recorded in the ledger, and a copy
    # is made whole with its files
    "restore": {
        ("s3:PutObject", AUDIT),
        ("s3:GetObject", AUDIT),
        ("s3:PutObject", LEDGER),
        ("s3:GetObject", LEDGER),
        ("s3:PutObject", FILES),
        ("s3:GetObject", FILES),
        ("s3:PutObject", DAILY),
        ("s3:AbortMultipartUpload", DAILY),
        ("s3:GetObject", DAILY),
        ("s3:ListBucket", MIRROR),
    },
    "prune": {
        ("s3:PutObject", AUDIT),
        ("s3:GetObject", AUDIT),
        ("s3:GetObject", DAILY),
        ("s3:GetObject", LEDGER),
        ("s3:ListBucket", MIRROR),
        ("s3:DeleteObject", DAILY),
        ("s3:GetObjectRetention", DAILY),
        ("s3:DeleteObject", FILES),
        ("s3:GetObjectRetention", FILES),
        # and writes nothing but pins, and what it did
        ("s3:PutObject", f"{DAILY}.pin.json"),
    },
}
ELSEWHERE = {
    "backup": {
        ("logs:CreateLogStream", "BackupLogGroup.Arn"),
        ("logs:PutLogEvents", "BackupLogGroup.Arn"),
        ("lambda:InvokeFunction", f"{LAMBDA}-backup"),
        ("lambda:InvokeFunction", f"{LAMBDA}-prune"),
    },
    "restore": {
        ("logs:CreateLogStream", "RestoreLogGroup.Arn"),
        ("logs:PutLogEvents", "RestoreLogGroup.Arn"),
        ("lambda:InvokeFunction", f"{LAMBDA}-restore"),
    },
    "prune": {
        ("logs:CreateLogStream", "PruneLogGroup.Arn"),
        ("logs:PutLogEvents", "PruneLogGroup.Arn"),
    },
}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def role_of(stack: Stack, function: str) -> dict[str, Any]:
    arn = stack.properties(f"{function.title()}Function")["Role"]
    return stack.properties(arn.removesuffix(".Arn"))


def permissions(role: dict[str, Any]) -> set[tuple[str, str]]:
    """(action, resource) for all that the role allows; anything that is no plain Allow fails. A resource
    of DynamoDB is followed by what the partition keys begin with.
    """
    allowed = set()
    for policy in role["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}
            allowed |= {
                (action, resource)
                for action in as_list(statement["Action"])
                for resource in resources(statement)
            }
    return allowed


def resources(statement: dict[str, Any]) -> list[str]:
    named = as_list(statement["Resource"])
    if "Condition" not in statement:
        return named
    # none but this condition
    assert list(statement["Condition"]) == ["ForAllValues:StringLike"]
    [(name, prefixes)] = statement["Condition"]["ForAllValues:StringLike"].items()
    assert name == "dynamodb:LeadingKeys"
    return [f"{resource} {prefix}" for resource in named for prefix in prefixes]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_exactly_what_it_does(stack: Stack, function: str) -> None:
    expected = EVERY_FUNCTION | ELSEWHERE[function] | ON_THE_MIRROR[function]
    assert permissions(role_of(stack, function)) == expected


def test_only_where_each_backup_is_drilled_may_the_backup_function_start_a_drill(
    make_stack: MakeStack,
) -> None:
    stack = make_stack(DrillSchedule="after-each-backup")
    start_drills = ("lambda:InvokeFunction", f"{LAMBDA}-restore")
    expected = EVERY_FUNCTION | ELSEWHERE["backup"] | ON_THE_MIRROR["backup"] | {start_drills}
    assert permissions(role_of(stack, "backup")) == expected


@pytest.mark.parametrize("function", FUNCTIONS)
def test_without_a_mirror_a_function_may_touch_no_s3(make_stack: MakeStack, function: str) -> None:
    stack = make_stack(CreateMirrorBucket="false")
    assert permissions(role_of(stack, function)) == EVERY_FUNCTION | ELSEWHERE[function]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_with_an_existing_mirror_a_function_may_touch_that_bucket_only(
    make_stack: MakeStack, function: str
) -> None:
    stack = make_stack(CreateMirrorBucket="false", MirrorBucketName="my-copies")
    on_s3 = {p for p in permissions(role_of(stack, function)) if p[0].startswith("s3:")}
    assert on_s3 == {
        (action, resource.replace("MirrorBucket", "my-copies"))
        for action, resource in ON_THE_MIRROR[function]
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_with_an_existing_secret_a_function_may_read_that_secret_only(
    make_stack: MakeStack, function: str
) -> None:
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:keys-AbCdEf"
    stack = make_stack(ExistingSecretArn=arn)
    assert {
        resource
        for action, resource in permissions(role_of(stack, function))
        if action.startswith("secretsmanager:")
    } == {arn}
    assert stack.properties("BackupFunction")["Environment"]["Variables"]["SECRET_ID"] == arn
    assert {"KeysSecret", "AdminKeySecret", "SigningKeySecret"}.isdisjoint(stack.resources)
    assert not any(action.startswith("kms:") for action, _ in permissions(role_of(stack, function)))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_secret_under_a_key_of_the_customers_can_be_decrypted_with_that_key_only(
    make_stack: MakeStack, function: str
) -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:keys-AbCdEf"
    stack = make_stack(ExistingSecretArn=arn, ExistingSecretKeyArn=key)

    allowed = permissions(role_of(stack, function))

    assert {p for p in allowed if p[0].startswith("kms:")} == {("kms:Decrypt", key)}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_lambda_may_take_a_functions_role_and_it_has_no_managed_policy(
    stack: Stack, function: str
) -> None:
    role = role_of(stack, function)
    assert role.keys() == {"AssumeRolePolicyDocument", "Policies"}
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]


def test_the_scheduler_may_invoke_its_function_and_report_what_it_could_not_deliver(
    stack: Stack,
) -> None:
    allowed = {
        name: permissions(role)
        for name, role in stack.of_type("AWS::IAM::Role").items()
        if "Function" in name
    }
    report = ("sqs:SendMessage", "DeadLetterQueue.Arn")
    assert allowed == {
        "BackupFunctionNightlyRole": {("lambda:InvokeFunction", "BackupFunction.Arn"), report},
        "RestoreFunctionDrillRole": {("lambda:InvokeFunction", "RestoreFunction.Arn"), report},
        "PruneFunctionDailyRole": {("lambda:InvokeFunction", "PruneFunction.Arn"), report},
        "PruneFunctionMeasureRole": {("lambda:InvokeFunction", "PruneFunction.Arn")},
    }


def test_there_are_no_policies_outside_the_roles(stack: Stack) -> None:
    types = {resource["Type"] for resource in stack.resources.values()}
    assert not types & {
        "AWS::IAM::Policy",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::RolePolicy",
        "AWS::IAM::User",
        "AWS::Lambda::Url",
    }


def test_only_the_http_api_may_invoke_a_function_from_outside(stack: Stack) -> None:
    grants = stack.of_type("AWS::Lambda::Permission").values()
    assert {grant["Principal"] for grant in grants} == {"apigateway.amazonaws.com"}
    assert all(":HttpApi/" in grant["SourceArn"] for grant in grants)
