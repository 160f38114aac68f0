"""The functions' handlers, imported by a new process from a layer as `sam build` builds it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.comparisons import import_of
from bench.contenders import PROJECT
from bench.imports import cost_by_package
from bench.measure import Contender
from devstack.aws.template import Template
from devstack.lambda_runtime.build import RUNNING, BuiltFunction, build
from devstack.processes.children import essential_environment

FUNCTIONS = {"backup": "BackupFunction", "restore": "RestoreFunction", "prune": "PruneFunction"}
# the template's runtime
_VERSION = "3.13"
_IS_USABLE = f"import pip, sys; sys.exit('%d.%d' % sys.version_info[:2] != '{_VERSION}')"
# -S: what this machine's own packages do at each start of its Python is not the functions'
# _exit: what Python takes to end itself is no part of the import
_IMPORT = ("-S", "-c", "import app, os; os._exit(0)")


@dataclass(frozen=True)
class BuiltHandlers:
    """The built functions by their logical ID, and the interpreter that they were built for."""

    python: Path
    functions: dict[str, BuiltFunction]

    def contender(self, function: str) -> Contender:
        """A process that imports the handler and ends; its time has the interpreter's start in it."""
        command = [str(self.python), *_IMPORT]
        return Contender(import_of(function), command, self._environment(function), lambda: None)

    def costs(self, function: str) -> dict[str, float]:
        """Seconds by package of the fastest of three imports, as in cost_by_package."""
        return min((self._costs(function) for _ in range(3)), key=lambda costs: sum(costs.values()))

    def _costs(self, function: str) -> dict[str, float]:
        done = subprocess.run(  # noqa: S603 - the benchmark's own command
            [str(self.python), "-X", "importtime", *_IMPORT],
            env=self._environment(function),
            capture_output=True,
            text=True,
            check=True,
        )
        return cost_by_package(done.stderr)

    def _environment(self, function: str) -> dict[str, str]:
        built = self.functions[FUNCTIONS[function]]
        folders = [built.task_folder, *(layer / "python" for layer in built.layer_folders)]
        return essential_environment() | {
            "PYTHONPATH": ":".join(str(folder) for folder in folders),
            # /var/task and /opt are read-only in Lambda
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_LAMBDA_FUNCTION_NAME": f"supakeep-{function}",
            "LAMBDA_TASK_ROOT": str(built.task_folder),
        }


def build_handlers(*, quick: bool) -> BuiltHandlers:
    """Builds what changed, for the template's Python if this machine has it, else for this one. With
    `quick`, what the local stack runs is taken instead, which has usually been built already.

    Raises StackError where the layer cannot be built.
    """
    template = Template(parameters={"SupabaseUrl": "https://bench.example"})
    if quick:
        return BuiltHandlers(RUNNING, build(template))
    python = next((found for found in _pythons() if _is_usable(found)), RUNNING)
    return BuiltHandlers(python, build(template, PROJECT / "build/bench", python))


def _pythons() -> Iterator[Path]:
    if found := shutil.which(f"python{_VERSION}"):
        yield Path(found)
    versions = Path.home() / ".pyenv/versions"
    yield from sorted(versions.glob(f"{_VERSION}*/bin/python{_VERSION}"), reverse=True)


def _is_usable(python: Path) -> bool:
    """A version manager's shim may refuse to run, and a system's Python may lack pip."""
    tried = subprocess.run([str(python), "-c", _IS_USABLE], capture_output=True, check=False)  # noqa: S603
    return tried.returncode == 0
