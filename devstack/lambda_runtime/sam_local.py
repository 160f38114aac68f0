"""What `sam local invoke` needs to run a function in a container against the running stack.

SAM CLI hands a function only the variables that its template declares, and of those it takes the
values of the shell that it runs in, unless `--env-vars` says otherwise. Hence a separate template
that declares what leads a function here, the same values again as `--env-vars`, and a samconfig.toml
that names that file: whatever the shell has of AWS and Supabase, the function talks to this stack.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from devstack import PROJECT
from devstack.aws.intrinsics import REGION, load_yaml
from devstack.aws.template import Template
from devstack.errors import StackError
from devstack.lambda_runtime.build import fingerprint, finish, fresh, up_to_date
from devstack.lambda_runtime.deploy import function_environment
from devstack.lambda_runtime.rie import ARCHITECTURES
from devstack.processes.locks import locked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devstack.aws.template import Function, Layer
    from devstack.stack import Stack

OUTPUT = PROJECT / "build/container"
EVENTS = PROJECT / "events"
# What a container calls this machine.
HOSTS = {"docker": "host.docker.internal", "podman": "host.containers.internal"}
# Docker Desktop knows the name by itself; Docker on Linux needs it as an option.
ADDED_HOSTS = {"docker": "host.docker.internal:host-gateway"}
WHEELS = ("manylinux_2_17", "manylinux2014", "manylinux_2_28")
# A session token of the shell's own credentials would be sent along with the ones for the stack.
ACCOUNT = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_SESSION_TOKEN": ""}


@dataclass(frozen=True)
class Container:
    """Where SAM CLI runs the functions: this machine's architecture in the template's runtime."""

    engine: str
    runtime: str
    architecture: str

    @property
    def host(self) -> str:
        """This machine's name in there."""
        return HOSTS[self.engine]


def container_for(engine: str, template: Path = PROJECT / "template.yaml") -> Container:
    """What `sam local invoke` will use on this machine.

    Raises:
        StackError: the engine or the machine is none that it works with.
    """
    if engine not in HOSTS:
        raise StackError(f"there is no container engine {engine!r}; use {' or '.join(HOSTS)}")
    machine = platform.machine().lower()
    if machine not in ARCHITECTURES:
        raise StackError(f"Lambda's images do not run on {machine}")
    runtime = load_yaml(template)["Globals"]["Function"]["Runtime"]
    return Container(engine, runtime, ARCHITECTURES[machine])


def build_layers(
    template: Template, container: Container, output: Path = OUTPUT
) -> dict[str, Path]:
    """Builds the layers for the container where they have changed: folders by logical id.

    Raises:
        StackError: the runtime's interpreter is missing, or `make` failed; with its output.
    """
    with locked(output / ".lock"):
        return {
            layer.logical_id: build_layer(layer, container, output) for layer in template.layers()
        }


def build_layer(layer: Layer, container: Container, output: Path) -> Path:
    """Runs the layer's own makefile target for the container's runtime and architecture."""
    target = output / layer.logical_id
    inputs = fingerprint(layer.folder, (container.runtime, container.architecture))
    if up_to_date(target, inputs):
        return target
    machine = {"arm64": "aarch64"}.get(container.architecture, container.architecture)
    made = subprocess.run(
        [
            "make", "--directory", layer.folder, f"build-{layer.logical_id}",
            f"ARTIFACTS_DIR={fresh(target)}", f"PYTHON={interpreter(container.runtime)}",
            f"PLATFORM={' '.join(f'{kind}_{machine}' for kind in WHEELS)}",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        raise StackError(f"the layer {layer.logical_id} was not built:\n{made.stdout}{made.stderr}")
    finish(target, inputs)
    return target


def interpreter(runtime: str) -> str:
    """An interpreter of exactly the runtime's version, since the layer ships bytecode.

    Raises:
        StackError: there is none.
    """
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    pyenv = versions.glob(f"{runtime.removeprefix('python')}*/bin/{runtime}")
    for candidate in (sys.executable, shutil.which(runtime), *sorted(map(str, pyenv))):
        if candidate and version_of(candidate) == runtime:
            return candidate
    raise StackError(f"the container runs {runtime}, and its layer is built with that: install it")


def version_of(python: str) -> str:
    """`python3.13`, say; empty for what does not run, as a version manager's shim may not."""
    say = "import sys; print('python{}.{}'.format(*sys.version_info))"
    with suppress(OSError):
        asked = subprocess.run([python, "-c", say], capture_output=True, text=True, check=False)
        return asked.stdout.strip()
    return ""


def files(stack: Stack, container: Container, layers: Mapping[str, Path]) -> dict[str, str]:
    """All that SAM CLI reads, by path in the folder that it is started with.

    Some hold keys of the stack: write them so that nobody else can read them.
    """
    functions = [deployed.function for deployed in stack.functions]
    return {
        "template.yaml": yaml.safe_dump(
            derived_template(stack, functions, container, layers), sort_keys=False
        ),
        "sam-env.json": json.dumps(
            {function.logical_id: variables(stack, function, container) for function in functions},
            indent=2,
        ),
        "samconfig.toml": samconfig(stack.folder / "sam-env.json", container),
        **{f"events/{name}": text for name, text in events(stack).items()},
    }


def derived_template(
    stack: Stack, functions: list[Function], container: Container, layers: Mapping[str, Path]
) -> dict[str, Any]:
    """The template's functions and layers as they are built here, in a template of their own."""
    resources = {name: layer_resource(folder) for name, folder in layers.items()} | {
        function.logical_id: function_resource(function, variables(stack, function, container))
        for function in functions
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Description": "For `sam local invoke` against the local stack; never to be deployed.",
        # Nobody may set these variables of a deployed function; of one in a container one has to.
        "Metadata": {"cfn-lint": {"config": {"ignore_checks": ["E3663"]}}},
        "Globals": {
            "Function": {
                "Runtime": container.runtime,
                "Architectures": [container.architecture],
            }
        },
        "Resources": resources,
    }


def layer_resource(folder: Path) -> dict[str, Any]:
    """A layer that is already built."""
    return {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": str(folder)}}


def function_resource(function: Function, environment: Mapping[str, str]) -> dict[str, Any]:
    """A function that runs the project's own files, so that what is edited runs at once."""
    return {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "FunctionName": function.name,
            "CodeUri": str(function.code_folder),
            "Handler": function.handler,
            "Layers": [{"Ref": name} for name in function.layers],
            "Timeout": function.timeout_seconds,
            "MemorySize": function.memory_mb,
            "Environment": {"Variables": dict(environment)},
        },
    }


def variables(stack: Stack, function: Function, container: Container) -> dict[str, str]:
    """A function's variables as in the stack, with this machine as the container sees it.

    No key is among them: the function reads those from the stack's Secrets Manager.
    """
    environment = function_environment(function, stack.aws, stack.api_url, ACCOUNT)
    return {
        name: value.replace("//127.0.0.1:", f"//{container.host}:")
        for name, value in environment.items()
    }


def samconfig(environment_file: Path, container: Container) -> str:
    """SAM CLI's options; it reads them from the folder that the template is in."""
    lines = [
        "version = 0.1",
        "[default.global.parameters]",
        f'region = "{REGION}"',
        "[default.local_invoke.parameters]",
        f"env_vars = {json.dumps(str(environment_file))}",
    ]
    if container.engine in ADDED_HOSTS:
        lines.append(f"add_host = {json.dumps(ADDED_HOSTS[container.engine])}")
    return "\n".join([*lines, ""])


def events(stack: Stack, source: Path = EVENTS) -> dict[str, str]:
    """The project's events with this stack's ref and keys in place of the placeholders."""
    return {
        file.relative_to(source).as_posix(): fill_in(stack, file.read_text(encoding="utf-8"))
        for file in sorted(source.glob("*/*.json"))
    }


def fill_in(stack: Stack, event: str) -> str:
    """One event's text, filled in; an HTTP event has its body, with `confirm`, as JSON in JSON."""
    placeholders = {
        r'(confirm\\?": ?\\?")local': stack.destination,
        r"(backup_)local(?=_)": stack.project_ref,
        r"(Bearer )local-admin-key": stack.admin_key,
        r"(Bearer )local-cron-secret": stack.cron_secret,
    }
    for pattern, value in placeholders.items():
        event = re.sub(pattern, rf"\g<1>{value}", event)
    return event
