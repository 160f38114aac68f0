"""Where backups, keys and run records lie."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.template.conftest import MakeStack
from tests.template.stack import Stack


def test_the_mirror_bucket_is_private(stack: Stack) -> None:
    bucket = stack.properties("MirrorBucket")
    assert bucket["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_the_mirror_bucket_is_versioned_and_encrypted(stack: Stack) -> None:
    bucket = stack.properties("MirrorBucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"] == [
        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    ]


def test_the_mirror_buckets_lifecycle_removes_leftovers_but_never_a_backup(stack: Stack) -> None:
    rules = stack.properties("MirrorBucket")["LifecycleConfiguration"]["Rules"]
    effects = [
        {key: value for key, value in rule.items() if key not in {"Id", "Status"}} for rule in rules
    ]
    assert {rule["Status"] for rule in rules} == {"Enabled"}
    assert effects == [
        {
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
            "ExpiredObjectDeleteMarker": True,
        },
        {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
    ]


@pytest.mark.parametrize(
    ("sid", "condition"),
    [
        ("DenyWithoutTls", {"Bool": {"aws:SecureTransport": "false"}}),
        ("DenyOldTls", {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    ],
)
def test_the_mirror_bucket_refuses_whoever_comes_without_modern_tls(
    stack: Stack, sid: str, condition: dict[str, Any]
) -> None:
    policy = stack.properties("MirrorBucketPolicy")
    statements = {s["Sid"]: s for s in policy["PolicyDocument"]["Statement"]}
    assert policy["Bucket"] == "MirrorBucket"
    assert len(statements) == 2
    assert statements[sid] == {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["MirrorBucket.Arn", "MirrorBucket.Arn/*"],
        "Condition": condition,
    }


@pytest.mark.parametrize("logical_id", ["MirrorBucket", "MirrorBucketPolicy"])
def test_the_mirror_outlives_the_stack(stack: Stack, logical_id: str) -> None:
    resource = stack.resources[logical_id]
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize(
    ("parameters", "created", "variable"),
    [
        ({}, True, "MirrorBucket"),
        ({"MirrorBucketName": "my-copies"}, True, "MirrorBucket"),
        ({"CreateMirrorBucket": "false"}, False, ""),
        ({"CreateMirrorBucket": "false", "MirrorBucketName": "my-copies"}, False, "my-copies"),
    ],
)
def test_the_mirror_is_created_named_or_turned_off(
    make_stack: MakeStack, parameters: dict[str, str], created: bool, variable: str
) -> None:
    stack = make_stack(**parameters)
    environment = stack.properties("BackupFunction")["Environment"]["Variables"]
    assert ("MirrorBucket" in stack.resources) is created
    assert ("MirrorBucketPolicy" in stack.resources) is created
    assert environment["MIRROR_S3_BUCKET"] == variable
    assert stack.outputs.get("MirrorBucket", "") == variable


def test_a_bucket_to_create_gets_the_name_it_was_given(make_stack: MakeStack) -> None:
    named = make_stack(MirrorBucketName="my-copies").properties("MirrorBucket")
    assert named["BucketName"] == "my-copies"
    assert "BucketName" not in make_stack().properties("MirrorBucket")


def test_the_runs_table_costs_nothing_idle_forgets_by_itself_and_can_be_brought_back(
    stack: Stack,
) -> None:
    table = stack.properties("RunsTable")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]


def test_no_update_of_the_stack_can_overwrite_the_keys_that_were_filled_in(stack: Stack) -> None:
    """CloudFormation writes a secret's content again whenever its description changes."""
    assert stack.properties("KeysSecret").keys() == {"Description"}


@pytest.mark.parametrize(
    ("secret", "key"), [("AdminKeySecret", "ADMIN_KEY"), ("SigningKeySecret", "SIGNING_KEY")]
)
def test_a_generated_key_is_random_and_has_a_secret_of_its_own(
    stack: Stack, secret: str, key: str
) -> None:
    generated = stack.properties(secret)["GenerateSecretString"]
    assert generated["GenerateStringKey"] == key
    assert generated["PasswordLength"] >= 32
    assert json.loads(generated["SecretStringTemplate"]) == {}


def test_the_key_that_proves_the_backups_outlives_the_stack_as_they_do(
    template: dict[str, Any],
) -> None:
    assert template["Resources"]["SigningKeySecret"]["DeletionPolicy"] == "Retain"
    assert template["Resources"]["SigningKeySecret"]["UpdateReplacePolicy"] == "Retain"


def test_the_dead_letter_queue_is_encrypted_and_keeps_its_messages_for_two_weeks(
    stack: Stack,
) -> None:
    assert stack.properties("DeadLetterQueue") == {
        "MessageRetentionPeriod": 14 * 24 * 3600,
        "SqsManagedSseEnabled": True,
    }
