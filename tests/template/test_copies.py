"""Copies beside the mirror: what the functions are given, and what they may do there."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack.aws.intrinsics import load_yaml
from supakeep.domain.copy_policy import Place, parse_copies
from tests.template.conftest import MakeStack
from tests.template.stack import Stack
from tests.template.test_permissions import FUNCTIONS, permissions, role_of

REPLICA = Path(__file__).parents[2] / "replica.yaml"
TOUCH = {"s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject"}
REMOVE = {"s3:GetObject", "s3:DeleteObject", "s3:GetObjectRetention"}


# files are stored there, a drill is recorded, and the age of the newest one is measured
BESIDE: dict[str, set[tuple[str, str]]] = {
    "backup": {("s3:PutObject", "/files/*"), ("s3:GetObject", "/files/*")},
    "restore": {
        *((action, "/ledger/*") for action in ("s3:PutObject", "s3:GetObject")),
        *((action, "/files/*") for action in ("s3:PutObject", "s3:GetObject")),
    },
    "prune": {
        ("s3:GetObject", "/ledger/*"),
        ("s3:DeleteObject", "/files/*"),
        ("s3:GetObjectRetention", "/files/*"),
    },
}


def on(stack: Stack, function: str, bucket: str) -> set[tuple[str, str]]:
    """What the function may do in this bucket, with the resource behind the bucket's name."""
    arn = f"arn:aws:s3:::{bucket}"
    allowed = permissions(role_of(stack, function))
    return {(a, r.removeprefix(arn)) for a, r in allowed if r == arn or r.startswith(f"{arn}/")}


def expected(function: str, objects: str) -> set[tuple[str, str]]:
    actions = REMOVE if function == "prune" else TOUCH
    pins = {("s3:PutObject", f"{objects}.pin.json")} if function == "prune" else set()
    return {("s3:ListBucket", ""), *((action, objects) for action in actions), *pins}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_one_parameter_adds_a_replica_to_all_functions(
    make_stack: MakeStack, function: str
) -> None:
    stack = make_stack(ReplicaBucketName="far-away", Copies="a=s3://b, c=gs://d")

    variables = stack.properties(f"{function.title()}Function")["Environment"]["Variables"]
    copies = parse_copies(variables["COPIES"])
    assert [(copy.name, copy.place) for copy in copies] == [
        ("replica", Place("s3", "far-away")),
        ("a", Place("s3", "b")),
        ("c", Place("gs", "d")),
    ]
    beside = BESIDE[function] | {("s3:PutObject", "/audit/*"), ("s3:GetObject", "/audit/*")}
    assert on(stack, function, "far-away") == expected(function, "/daily/*") | beside


def test_a_replica_stands_beside_a_json_list(make_stack: MakeStack) -> None:
    stack = make_stack(ReplicaBucketName="far-away", Copies='[{"name": "a", "url": "s3://b"}]')

    variables = stack.properties("BackupFunction")["Environment"]["Variables"]
    assert [copy.name for copy in parse_copies(variables["COPIES"])] == ["replica", "a"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_named_buckets_and_roles_may_be_used_and_no_others(
    make_stack: MakeStack, function: str
) -> None:
    roles = "arn:aws:iam::210987654321:role/one,arn:aws:iam::210987654321:role/two"
    stack = make_stack(
        CreateMirrorBucket="false",
        CopyBucketArns="arn:aws:s3:::one,arn:aws:s3:::two",
        CopyRoleArns=roles,
    )

    allowed = permissions(role_of(stack, function))
    # the others may write anything
    audit = {("s3:PutObject", "/*audit/*")} if function == "prune" else set()
    assert on(stack, function, "one") == on(stack, function, "two")
    assert on(stack, function, "one") == expected(function, "/*") | audit
    assert len({r for a, r in allowed if a.startswith("s3:")}) == (8 if function == "prune" else 4)
    assert {r for a, r in allowed if a == "sts:AssumeRole"} == set(roles.split(","))


def test_without_a_mode_the_bucket_has_no_lock(stack: Stack) -> None:
    bucket = stack.properties("MirrorBucket")
    assert not {"ObjectLockEnabled", "ObjectLockConfiguration"} & bucket.keys()


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_a_mode_and_days_lock_what_is_put_into_the_bucket(make_stack: MakeStack, mode: str) -> None:
    bucket = make_stack(ObjectLockMode=mode, ObjectLockDays="90").properties("MirrorBucket")

    assert bucket["ObjectLockEnabled"] is True
    assert bucket["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": mode, "Days": "90"}},
    }
    # a lock needs versions, and a version that was hidden goes once its lock is over
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_may_bypass_a_lock(make_stack: MakeStack, function: str) -> None:
    stack = make_stack(ObjectLockMode="GOVERNANCE")
    actions = {action for action, _ in permissions(role_of(stack, function))}
    forbidden = {"s3:BypassGovernanceRetention", "s3:DeleteObjectVersion", "s3:PutObjectRetention"}
    assert not actions & forbidden


def test_the_bucket_of_the_second_region_is_protected_as_the_mirror_is(stack: Stack) -> None:
    replica = load_yaml(REPLICA)["Resources"]
    same = {
        "PublicAccessBlockConfiguration",
        "OwnershipControls",
        "BucketEncryption",
        "VersioningConfiguration",
        "LifecycleConfiguration",
    }
    mirror = stack.resources["MirrorBucket"]

    assert {k: replica["Bucket"]["Properties"][k] for k in same} == {
        k: mirror["Properties"][k] for k in same
    }
    assert replica["Bucket"]["DeletionPolicy"] == mirror["DeletionPolicy"] == "Retain"
    sids = [s["Sid"] for s in replica["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]]
    assert sids == ["DenyWithoutTls", "DenyOldTls"]
