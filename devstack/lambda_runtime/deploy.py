"""Deploys the template's functions on this machine: each with its environment, runtime and queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devstack.lambda_runtime.functions import DeployedFunction
from devstack.lambda_runtime.runtime import EmulatedRuntime, PlainRuntime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from devstack.aws.services import Aws
    from devstack.aws.template import Function
    from devstack.lambda_runtime.functions import GivenUp
    from devstack.lambda_runtime.runtime import Runtime, Sandbox
    from devstack.processes.children import Children


def function_environment(
    function: Function, aws: Aws, gateway_url: str, more: Mapping[str, str]
) -> dict[str, str]:
    """A function's variables as the template has them, and those that direct its AWS calls here."""
    return {
        **function.environment,
        **aws.environment(),
        "AWS_ENDPOINT_URL_LAMBDA": gateway_url,
        **more,
    }


def deploy(
    children: Children, aws: Aws, sandbox: Sandbox, emulator: Path | None
) -> DeployedFunction:
    """Makes a built function invocable; without an emulator it runs in plain processes."""
    dead_letters = sandbox.function.failures_to

    def give_up(given_up: GivenUp) -> None:
        if dead_letters:
            aws.send(dead_letters, given_up.message())

    def new_runtime(name: str) -> Runtime:
        if emulator is None:
            return PlainRuntime(children, name, sandbox)
        return EmulatedRuntime(children, name, sandbox, emulator)

    return DeployedFunction(sandbox.function, new_runtime, give_up)
