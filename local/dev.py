"""`python -m local.dev`: the stack left running, with Jewelshot in it, until Ctrl-C."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import threading
import time
from typing import TYPE_CHECKING

from local.errors import StackError
from local.seed import seed
from local.stack import Options, Stack, local_stack
from local.template import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = PROJECT / "build/dev"
CONTAINER_HOST = "host.docker.internal"


def main() -> int:
    """Runs the stack until Ctrl-C or SIGTERM; 1 where it could not be started."""
    parser = argparse.ArgumentParser(prog="python -m local.dev", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets containers reach it")
    parser.add_argument("--no-seed", action="store_true", help="leave the tables empty")
    arguments = parser.parse_args()
    started = time.monotonic()
    try:
        with local_stack(FOLDER, Options(host=arguments.host)) as stack:
            rows = {} if arguments.no_seed else seed(stack.database_url)
            write_environment(stack, FOLDER / ".env")
            write_container_environment(stack, FOLDER / "sam-env.json")
            print(describe(stack, rows, time.monotonic() - started), flush=True)
            threading.Event().wait()
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped")
    return 0


def describe(stack: Stack, rows: dict[str, int], seconds: float) -> str:
    """What a developer needs to know, without any key."""
    lines = [
        f"The stack is up after {seconds:.1f} s ({sum(rows.values()):,} rows of Jewelshot).",
        "",
        f"  HTTP API   {stack.api_url}",
        f"  Supabase   {stack.supabase_url}",
        f"  AWS (S3 …) {stack.s3}",
        f"  database   {stack.database_url}",
        f"  keys       {FOLDER / '.env'}",
        f"  logs       {stack.logs}",
        "",
        "Routes, from template.yaml:",
        *(f"  {route.key}" for f in stack.functions for route in f.function.routes),
        "",
        f"  set -a; . {FOLDER / '.env'}; set +a",
        f'  curl -X POST {stack.api_url}/api/admin/backup -H "Authorization: Bearer $ADMIN_KEY"',
        "",
    ]
    if stack.why_not_emulated:
        lines.append(f"The functions run in plain processes: {stack.why_not_emulated}.")
    return "\n".join([*lines, "Ctrl-C ends it."])


def write_environment(stack: Stack, file: Path) -> None:
    """The environment as a file for the shell, with the keys, readable by its owner only."""
    variables = stack.environment() | {
        "SUPABASE_DB_URL": stack.database_url,
        "SUPAKEEP_API_URL": stack.api_url,
    }
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in sorted(variables.items())]
    write_privately(file, "".join(lines))


def write_container_environment(stack: Stack, file: Path) -> None:
    """The environment for `sam local invoke --env-vars`, as a container sees this machine."""
    variables = {
        name: value.replace("127.0.0.1", CONTAINER_HOST)
        for name, value in stack.environment().items()
    }
    write_privately(file, json.dumps({"Parameters": variables}, indent=2))


def write_privately(file: Path, text: str) -> None:
    """Writes a file that only its owner may read, from its first moment on."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)


if __name__ == "__main__":
    sys.exit(main())
