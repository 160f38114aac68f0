"""With KMS keys of the customer's own, each is where it was named, and usable for that alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.template.conftest import MakeStack
from tests.template.stack import Stack
from tests.template.test_permissions import FUNCTIONS, role_of

KEYS = {
    parameter: f"arn:aws:kms:eu-central-1:123456789012:key/{parameter}"
    for parameter in ("MirrorKeyArn", "TableKeyArn", "QueueKeyArn", "LogsKeyArn", "SecretKeyArn")
}
# what a function may do with each key, and through which service alone
RIGHTS = {
    "MirrorKeyArn": ("s3.*", {"kms:Decrypt", "kms:GenerateDataKey"}),
    "TableKeyArn": (
        "dynamodb.*",
        {"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"},
    ),
    "QueueKeyArn": ("sqs.*", {"kms:Decrypt", "kms:GenerateDataKey"}),
    "SecretKeyArn": ("secretsmanager.*", {"kms:Decrypt"}),
}


def key_statements(policy_holder: dict[str, Any]) -> list[dict[str, Any]]:
    policies = policy_holder.get("Policies", [policy_holder])
    return [
        statement
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
        if "kms:" in str(statement["Action"])
    ]


def what_may_be_done(statements: list[dict[str, Any]]) -> dict[str, tuple[str, set[str]]]:
    """By each key's ARN: the service that it may be used through, and the actions."""
    for statement in statements:
        assert statement["Effect"] == "Allow"
        assert statement["Condition"].keys() == {"StringLike"}
    return {
        s["Resource"]: (
            s["Condition"]["StringLike"]["kms:ViaService"],
            {s["Action"]} if isinstance(s["Action"], str) else set(s["Action"]),
        )
        for s in statements
    }


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("parameter", KEYS)
def test_a_function_may_use_a_key_that_was_named_through_its_service_and_no_other(
    make_stack: MakeStack, function: str, parameter: str
) -> None:
    stack = make_stack(**{parameter: KEYS[parameter]})

    allowed = what_may_be_done(key_statements(role_of(stack, function)))

    # CloudWatch Logs encrypts by itself: a function needs no right to its key
    assert allowed == ({KEYS[parameter]: RIGHTS[parameter]} if parameter in RIGHTS else {})


def test_each_store_is_encrypted_with_the_key_that_was_named_for_it(make_stack: MakeStack) -> None:
    stack = make_stack(**KEYS)

    assert stack.properties("MirrorBucket")["BucketEncryption"] == {
        "ServerSideEncryptionConfiguration": [
            {
                "ServerSideEncryptionByDefault": {
                    "SSEAlgorithm": "aws:kms",
                    "KMSMasterKeyID": KEYS["MirrorKeyArn"],
                },
                "BucketKeyEnabled": True,
            }
        ]
    }
    assert stack.properties("RunsTable")["SSESpecification"] == {
        "SSEEnabled": True,
        "SSEType": "KMS",
        "KMSMasterKeyId": KEYS["TableKeyArn"],
    }
    queue = stack.properties("DeadLetterQueue")
    assert queue["KmsMasterKeyId"] == KEYS["QueueKeyArn"]
    assert "SqsManagedSseEnabled" not in queue
    for kind, parameter in (
        ("AWS::Logs::LogGroup", "LogsKeyArn"),
        ("AWS::SecretsManager::Secret", "SecretKeyArn"),
    ):
        resources = stack.of_type(kind)
        assert len(resources) >= 3
        assert {r["KmsKeyId"] for r in resources.values()} == {KEYS[parameter]}


def test_without_keys_nothing_names_one(stack: Stack) -> None:
    assert "kms" not in str(stack.resources).lower()


def test_an_existing_mirror_is_read_with_the_key_that_it_is_encrypted_with(
    make_stack: MakeStack,
) -> None:
    stack = make_stack(
        CreateMirrorBucket="false",
        MirrorBucketName="my-copies",
        MirrorKeyArn=KEYS["MirrorKeyArn"],
    )

    for function in FUNCTIONS:
        allowed = what_may_be_done(key_statements(role_of(stack, function)))
        assert allowed == {KEYS["MirrorKeyArn"]: RIGHTS["MirrorKeyArn"]}


def test_what_a_schedule_could_not_deliver_reaches_a_queue_with_a_key(
    make_stack: MakeStack,
) -> None:
    stack = make_stack(QueueKeyArn=KEYS["QueueKeyArn"])
    reporting = {
        name
        for name, role in stack.of_type("AWS::IAM::Role").items()
        if "Function" in name and "sqs:SendMessage" in str(role)
    }

    [policy] = stack.of_type("AWS::IAM::Policy").values()

    assert set(policy["Roles"]) == reporting
    assert what_may_be_done(key_statements(policy)) == {KEYS["QueueKeyArn"]: RIGHTS["QueueKeyArn"]}
