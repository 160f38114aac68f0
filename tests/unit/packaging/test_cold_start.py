"""What is loaded before the first request, and what only once it is needed (docs/adr/0015)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
