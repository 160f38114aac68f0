"""The functions in subnets of the customer's own, so that Supabase may know them by their address."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.template.conftest import MakeStack
from tests.template.stack import Stack
from tests.template.test_permissions import FUNCTIONS, LAMBDA, role_of

SUBNETS, GROUPS = "subnet-0a1b2c3d,subnet-4e5f6a7b", "sg-0a1b2c3d"


def in_vpc(make_stack: MakeStack) -> Stack:
    return make_stack(VpcSubnetIds=SUBNETS, VpcSecurityGroupIds=GROUPS)


def test_every_function_stands_in_the_subnets_that_were_named(make_stack: MakeStack) -> None:
    functions = in_vpc(make_stack).of_type("AWS::Lambda::Function").values()

    assert len(functions) == len(FUNCTIONS)
    for function in functions:
        assert function["VpcConfig"] == {
            "SubnetIds": SUBNETS.split(","),
            "SecurityGroupIds": [GROUPS],
        }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_lambda_may_connect_a_function_to_them_and_the_functions_own_code_may_not(
    make_stack: MakeStack, function: str
) -> None:
    [policy] = [p for p in role_of(in_vpc(make_stack), function)["Policies"] if "vpc" in str(p)]
    allow, deny = policy["PolicyDocument"]["Statement"]

    assert (allow["Effect"], allow["Resource"]) == ("Allow", "*")
    assert {"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"} < set(allow["Action"])
    assert all(action.startswith("ec2:") for action in allow["Action"])
    assert (deny["Effect"], deny["Action"]) == ("Deny", allow["Action"])
    assert deny["Condition"] == {
        "ArnEquals": {"lambda:SourceFunctionArn": f"{LAMBDA}-{function}"},
    }


def test_without_subnets_no_function_stands_in_any_and_none_has_rights_in_ec2(
    stack: Stack,
) -> None:
    assert all("VpcConfig" not in f for f in stack.of_type("AWS::Lambda::Function").values())
    assert "ec2:" not in str(stack.of_type("AWS::IAM::Role"))


@pytest.mark.parametrize(
    ("given", "accepted"),
    [
        ({}, True),
        ({"VpcSubnetIds": SUBNETS, "VpcSecurityGroupIds": GROUPS}, True),
        ({"VpcSubnetIds": SUBNETS}, False),
        ({"VpcSecurityGroupIds": GROUPS}, False),
    ],
)
def test_subnets_without_security_groups_are_refused_at_deployment(
    make_stack: MakeStack, given: dict[str, str], accepted: bool
) -> None:
    stack = make_stack(**given)
    [assertion] = stack.template["Rules"]["SubnetsAndSecurityGroupsGoTogether"]["Assertions"]

    assert stack.resolved(assertion["Assert"]) is accepted


@pytest.mark.parametrize(
    ("parameter", "value", "accepted"),
    [
        ("VpcSubnetIds", SUBNETS, True),
        ("VpcSubnetIds", "subnet-0a1b2c3d, subnet-4e5f6a7b", False),
        ("VpcSubnetIds", "vpc-0a1b2c3d", False),
        ("VpcSecurityGroupIds", GROUPS, True),
        ("VpcSecurityGroupIds", "default", False),
    ],
)
def test_what_is_no_list_of_ids_is_refused_at_deployment(
    template: dict[str, Any], parameter: str, value: str, accepted: bool
) -> None:
    assert (
        bool(re.fullmatch(template["Parameters"][parameter]["AllowedPattern"], value)) is accepted
    )
