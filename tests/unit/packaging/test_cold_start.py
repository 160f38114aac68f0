"""What is loaded before the first request, and what only once it is needed (docs/adr/0015)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from supakeep.cli.commands import COMMANDS

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "layers/shared/src"
# of either engine, of either store, and of nothing at all
SELDOM = {"aws_xray_sdk", "httpx", "postgrest", "psycopg", "pyrage", "storage3", "supabase"}
# ours, where they bring these with them
SELDOM_OURS = {
    "supakeep.databases.data_api.database",
    "supakeep.databases.postgres.database",
    "supakeep.stores.s3",
    "supakeep.stores.supabase_storage",
}


def loaded_by(code: str, *folders: Path) -> set[str]:
    """The modules that a new interpreter has loaded after `code`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules, sep='\\n')"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(folder) for folder in folders)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines())


@pytest.mark.parametrize("function", ["backup", "prune", "restore"])
def test_a_function_starts_without_what_only_some_invocations_need(function: str) -> None:
    loaded = loaded_by("import app", SOURCE, ROOT / "functions" / function)

    assert not loaded & (SELDOM | SELDOM_OURS)


@pytest.mark.parametrize("function", ["backup", "prune", "restore"])
def test_a_function_starts_with_what_every_invocation_needs(function: str) -> None:
    loaded = loaded_by("import app", SOURCE, ROOT / "functions" / function)

    # the secret is read before anything is answered
    assert {"boto3", "supakeep.aws.secrets", "aws_lambda_powertools", "pydantic"} <= loaded


def test_the_command_line_ends_without_a_collection_of_all_modules() -> None:
    code = """
import atexit, gc, sys
atexit.register(lambda: print("frozen:", gc.get_freeze_count()))
sys.argv = ["supakeep", "--version"]
from supakeep.cli.entry import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert int(done.stdout.partition("frozen:")[2]) > 10_000


def test_the_command_line_starts_without_any_sdk() -> None:
    loaded = loaded_by("import supakeep.cli.main", SOURCE)

    seldom = SELDOM | SELDOM_OURS | {"boto3", "botocore", "aws_lambda_powertools"}
    assert not loaded & seldom


HELP = """
import sys
from supakeep.cli.entry import main
sys.argv = ["supakeep", *{words}]
sys.stdout = sys.stderr
assert main() == 0
sys.stdout = sys.__stdout__
"""


@pytest.mark.parametrize("words", [["--help"], ["config", "--help"], ["--version"]])
def test_the_help_of_all_commands_imports_none_of_them(words: list[str]) -> None:
    loaded = {name for name in loaded_by(HELP.format(words=words), SOURCE) if "supakeep" in name}

    assert "supakeep.cli.commands" in loaded
    assert not loaded & {command.module for command in COMMANDS}
    assert {name for name in loaded if not name.startswith("supakeep.cli")} == {
        *("supakeep", "supakeep.errors", "supakeep.system"),
    }


def test_the_help_of_all_commands_waits_for_no_library_but_typer() -> None:
    loaded = loaded_by(HELP.format(words=["--help"]), SOURCE)

    assert "typer" in loaded
    assert not loaded & {"pydantic", "rich", "botocore", "httpx", "psycopg", "msgspec"}


def test_a_command_imports_no_other_one() -> None:
    loaded = loaded_by(HELP.format(words=["migration", "--help"]), SOURCE)

    assert "supakeep.cli.migration" in loaded
    assert not loaded & {"supakeep.cli.restore", "supakeep.cli.backup", "supakeep.cli.verify"}


@pytest.mark.parametrize("module", ["supakeep.cli.main", "supakeep.cli.migration"])
def test_an_interrupt_while_modules_load_ends_without_a_traceback(module: str) -> None:
    code = f"""
import sys, os, signal
# a shell that runs the tests in the background has its children ignore SIGINT
signal.signal(signal.SIGINT, signal.default_int_handler)
class Interrupting:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
sys.argv = ["supakeep", "migration"]
from supakeep.cli.entry import main
sys.exit(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_the_command_line_loads_no_other_command_line() -> None:
    code = """
import sys
sys.argv = ["supakeep", "--version"]
from supakeep.cli.entry import main
main()
import httpx
"""
    assert not loaded_by(code, SOURCE) & {"pygments", "rich.syntax"}
