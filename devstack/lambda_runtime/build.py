"""Builds the functions and the layer for this machine, with what `sam build` runs."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devstack import PROJECT
from devstack.errors import StackError
from devstack.processes.locks import locked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devstack.aws.template import Function, Layer, Template

OUTPUT = PROJECT / "build/lambda"
RUNNING = Path(sys.executable)


@dataclass(frozen=True)
class BuiltFunction:
    """Where a built function lies: what Lambda has as /var/task, and each layer's /opt."""

    task_folder: Path
    layer_folders: tuple[Path, ...]


def build(
    template: Template, output: Path = OUTPUT, python: Path = RUNNING
) -> dict[str, BuiltFunction]:
    """Builds whatever changed for this interpreter and returns the built functions by logical id.

    Raises:
        StackError: a folder is missing, or the layer's `make` failed; with its output.
    """
    with locked(output / ".lock"):
        layers = {
            layer.logical_id: build_layer(layer, output, python) for layer in template.layers()
        }
        return {
            function.logical_id: BuiltFunction(
                build_function(function, output), tuple(layers[name] for name in function.layers)
            )
            for function in template.functions()
        }


def build_function(function: Function, output: Path) -> Path:
    """Copies a function's folder; the layer has what it imports."""
    target = output / function.logical_id
    inputs = fingerprint(function.code_folder, ())
    if not up_to_date(target, inputs):
        shutil.copytree(function.code_folder, fresh(target), ignore=_left_out, dirs_exist_ok=True)
        finish(target, inputs)
    return target


def build_layer(layer: Layer, output: Path, python: Path = RUNNING) -> Path:
    """Runs the layer's own makefile target, the one that `sam build` runs, for this machine."""
    target = output / layer.logical_id
    inputs = fingerprint(layer.folder, described(python))
    if up_to_date(target, inputs):
        return target
    made = subprocess.run(
        [
            "make", "--directory", layer.folder, f"build-{layer.logical_id}",
            f"ARTIFACTS_DIR={fresh(target)}", f"PYTHON={python}", "PLATFORM=native",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        raise StackError(f"the layer {layer.logical_id} was not built:\n{made.stdout}{made.stderr}")
    finish(target, inputs)
    return target


def described(python: Path) -> tuple[str, ...]:
    """What a build for this interpreter depends on."""
    if python == RUNNING:
        return (sys.version, platform.machine(), sysconfig.get_platform(), sys.base_prefix)
    asked = [str(python), "-c", "import sys; print(sys.version, sys.base_prefix)"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=True)
    return (answer.stdout, platform.machine(), sysconfig.get_platform())


def fingerprint(folder: Path, machine: Iterable[str]) -> str:
    """A hash of all that a build depends on: the files' names and contents, and the machine.

    Raises:
        StackError: the folder does not exist.
    """
    if not folder.is_dir():
        raise StackError(f"there is nothing to build: {folder} does not exist")
    digest = hashlib.sha256(repr(tuple(machine)).encode())
    for file in sorted(folder.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{file.relative_to(folder)}\0{content}\n".encode())
    return digest.hexdigest()


def up_to_date(target: Path, inputs: str) -> bool:
    """Whether `target` was built from these inputs."""
    stamp = _stamp(target)
    return target.exists() and stamp.exists() and stamp.read_text() == inputs


def fresh(target: Path) -> Path:
    """An empty folder beside `target` to build into, so that a failed build replaces nothing."""
    beside = target.with_name(f"{target.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    return beside


def finish(target: Path, inputs: str) -> None:
    """Puts what was built in place."""
    _stamp(target).unlink(missing_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    target.with_name(f"{target.name}.new").rename(target)
    _stamp(target).write_text(inputs)


def _stamp(target: Path) -> Path:
    return target.with_name(f"{target.name}.inputs")


def _left_out(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name == "__pycache__"}
