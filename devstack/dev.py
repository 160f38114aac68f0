"""`python -m devstack.dev`: the stack left running, with Jewelshot in it, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import threading
import time
from typing import TYPE_CHECKING

from devstack import PROJECT
from devstack.aws.template import Template
from devstack.demo.seed import seed
from devstack.errors import StackError
from devstack.lambda_runtime import sam_local
from devstack.stack import Options, Stack, local_stack

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = PROJECT / "build/dev"
ANYWHERE = "0.0.0.0"
START_A_BACKUP = (
    "printf 'Authorization: Bearer %s' \"$ADMIN_KEY\" | "
    'curl -sS -X POST -H @- "$SUPAKEEP_API_URL/api/admin/backup"'
)


def main() -> int:
    """Runs the stack until Ctrl-C or SIGTERM; returns 1 if it could not be started."""
    try:
        run(parse(sys.argv[1:]))
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped")
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line; `make dev SAM_LOCAL=docker ENGINE=postgres` sets environment variables."""
    engines = " or ".join(sam_local.HOSTS)
    parser = argparse.ArgumentParser(prog="python -m devstack.dev", description=__doc__)
    parser.add_argument(
        "--sam-local",
        metavar="ENGINE",
        default=os.environ.get("SAM_LOCAL"),
        help=f"have it ready for `sam local invoke` with {engines}; listens on {ANYWHERE}",
    )
    parser.add_argument("--host", help=f"where to listen: 127.0.0.1, or {ANYWHERE} for all")
    parser.add_argument(
        "--engine",
        choices=["rest", "postgres"],
        default=os.environ.get("ENGINE", "rest"),
        help="what the functions read and write the database through (rest)",
    )
    parser.add_argument("--no-seed", action="store_true", help="leave the tables empty")
    return parser.parse_args(arguments)


def run(arguments: argparse.Namespace) -> None:
    """Starts the stack, prints how to use it and waits for ever.

    Raises:
        StackError: the stack could not be started.
    """
    began = time.monotonic()
    prepared = prepare(arguments.sam_local) if arguments.sam_local else None
    host = address(arguments)
    with local_stack(FOLDER, Options(host=host, engine=arguments.engine)) as stack:
        rows = {} if arguments.no_seed else seed(stack.database_url)
        write_environment(stack, FOLDER / ".env")
        write_sam_files(sam_local.files(stack, *prepared) if prepared else {}, FOLDER)
        print(describe(stack, rows, time.monotonic() - began, FOLDER / ".env"))
        if prepared:
            print(describe_sam_local())
        if host == ANYWHERE:
            print(f"It listens on {ANYWHERE}: everyone who reaches this machine reaches the stack.")
        print("Ctrl-C stops it.", flush=True)
        threading.Event().wait()


def address(arguments: argparse.Namespace) -> str:
    """Where to listen; a container reaches only what listens on more than the loopback address."""
    return arguments.host or (ANYWHERE if arguments.sam_local else "127.0.0.1")


def prepare(engine: str) -> tuple[sam_local.Container, dict[str, Path]]:
    """Builds the layer for a container, before there is a stack.

    Raises:
        StackError: the layer could not be built, or there is no such container engine.
    """
    container = sam_local.container_for(engine)
    return container, sam_local.build_layers(Template(), container)


def describe(stack: Stack, rows: dict[str, int], seconds: float, keys: Path) -> str:
    """What a newcomer needs to know and types next; it holds no key."""
    sign_in = f"sign in with: grep ADMIN_KEY {shlex.quote(str(keys))}"
    lines = [
        f"The stack is up after {seconds:.1f} s ({sum(rows.values()):,} rows of Jewelshot).",
        "",
        f"  dashboard  {stack.api_url}/admin/dashboard   ({sign_in})",
        f"  HTTP API   {stack.api_url}",
        f"  Supabase   {stack.supabase_url}",
        f"  AWS (S3 …) {stack.s3}",
        f"  database   {stack.database_url}",
        f"  keys       {keys}",
        f"  logs       {stack.logs}",
        "",
        "Type next, in another shell:",
        "",
        *(f"  {command}" for command in commands(stack, keys)),
        "",
    ]
    if stack.why_not_emulated:
        lines.append(f"The functions run in plain processes: {stack.why_not_emulated}.")
    return "\n".join(lines)


def commands(stack: Stack, keys: Path) -> list[str]:
    """What a newcomer types: the command line with each engine, and the HTTP API."""
    return [
        f"cd {shlex.quote(str(PROJECT))}",
        'export PATH="$PWD/.venv/bin:$PATH"',
        f"set -a; . {shlex.quote(str(keys))}; set +a",
        "supakeep backup                                    # through the Data API: the engine rest",
        'SUPABASE_DB_URL="$DATABASE_URL" supakeep backup    # from the database: the engine postgres',
        "supakeep list",
        "supakeep restore latest --dry-run",
        f"supakeep restore latest --confirm {stack.project_ref}",
        f"# the same with SUPABASE_DB_URL: --confirm {stack.database_url.partition('@')[2]}",
        START_A_BACKUP,
    ]


def describe_sam_local() -> str:
    """How to run a function in a container."""
    return f"""\
In a container (docs/sam-local-invoke.md):
  cd {FOLDER}
  {PROJECT / "build/sam-cli/bin/sam"} local invoke BackupFunction -e events/backup/direct.json
  {PROJECT / "build/sam-cli/bin/sam"} local invoke RestoreFunction -e events/restore/direct_dry_run.json
"""


def write_environment(stack: Stack, file: Path) -> None:
    """Writes the environment, keys included, as a file for the shell that only its owner may read.

    The database's address is not in SUPABASE_DB_URL, so that a command chooses its engine.
    """
    variables = stack.environment() | {
        "DATABASE_URL": stack.database_url,
        "SUPAKEEP_API_URL": stack.api_url,
    }
    variables.pop("SUPABASE_DB_URL", None)
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in sorted(variables.items())]
    write_privately(file, "".join(lines))


def write_sam_files(files: dict[str, str], folder: Path) -> None:
    """Replaces the files of an earlier stack, which point to servers that are gone, with SAM CLI's."""
    for name in ("template.yaml", "samconfig.toml", "sam-env.json"):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "events", ignore_errors=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_privately(folder / name, text)


def write_privately(file: Path, text: str) -> None:
    """Writes a file that only its owner may read, from its first moment on."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)


if __name__ == "__main__":
    sys.exit(main())
