"""The examples in the help of every command do what they promise, against a running stack."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import yaml

from devstack import PROJECT
from devstack.demo.seed import seed
from devstack.stack import Stack, local_stack
from supakeep.cli.commands import COMMANDS
from supakeep.databases.postgres.database import PostgresDatabase
from tests.builders.command_line import run_supakeep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

BIN = Path(sys.executable).parent


# reads the arguments of a command from each line, and answers with its code and output
_EACH_COMMAND = """
import io, json, sys
from supakeep.cli.main import CommandLine
for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    code = CommandLine(out=out, err=err).run(json.loads(line)[1:])
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
"""


@dataclass(frozen=True)
class Done:
    """A command that was carried out."""

    line: str
    code: int
    out: str
    err: str


class Shell:
    """A person's shell in a folder, with the settings of a stack."""

    def __init__(self, stack: Stack, folder: Path, engine: str) -> None:
        self.stack = stack
        self.folder = folder
        self.environment = {
            **stack.shell_environment(),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            # the stack takes any, and this one can be looked for
            "AWS_SECRET_ACCESS_KEY": "the-secret-of-this-shell",
            # where runs are recorded
            "HOME": str(folder),
        }
        if engine == "postgres":
            self.environment["SUPABASE_DB_URL"] = stack.database_url

    def types(self, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=self.environment,
            check=False, capture_output=True, text=True, timeout=150,
        )  # fmt: skip

    def supakeep(self, line: str) -> subprocess.CompletedProcess[str]:
        """A command without anything that only a shell understands."""
        return run_supakeep(*shlex.split(line), environment=self.environment, folder=self.folder)

    def types_each(self, lines: Iterable[str]) -> Iterator[Done]:
        """Commands one after the other in one process: most take less time than a start of Python.
        A redirection is left out.
        """
        program = [sys.executable, "-c", _EACH_COMMAND]
        with subprocess.Popen(
            program, cwd=self.folder, env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as running:  # fmt: skip
            assert running.stdin is not None
            assert running.stdout is not None
            for line in lines:
                arguments = shlex.split(line.partition(" > ")[0])
                print(json.dumps(arguments), file=running.stdin, flush=True)
                yield Done(line, *json.loads(running.stdout.readline()))

    def secrets_in(self, done: Done) -> list[str]:
        """The names of the secrets that a command has printed."""
        names = ("SUPABASE_SERVICE_ROLE_KEY", "SIGNING_KEY", "AWS_SECRET_ACCESS_KEY")
        printed = done.out + done.err
        return [name for name in names if self.environment[name] in printed]

    @property
    def destination(self) -> str:
        has_address = "SUPABASE_DB_URL" in self.environment
        return self.stack.database_place if has_address else self.stack.project_ref


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with local_stack(tmp_path_factory.mktemp("stack")) as running:
        seed(running.database_url)
        yield running


@pytest.fixture(params=["rest", "postgres"])
def shell(request: pytest.FixtureRequest, stack: Stack, tmp_path: Path) -> Shell:
    return Shell(stack, tmp_path, request.param)


EXAMPLES = [(command.name, example) for command in COMMANDS for example in command.examples]
BUCKET = "my-bucket"


@pytest.fixture
def owner(stack: Stack, tmp_path: Path) -> Iterator[Shell]:
    """The shell of somebody who has the database's address, a bucket, and a folder of migrations."""
    (tmp_path / "supabase/migrations").mkdir(parents=True)
    s3 = stack.aws.s3()
    s3.create_bucket(Bucket=BUCKET)
    s3.close()
    shell = Shell(stack, tmp_path, "postgres")
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute("create database rebuilt")
    shell.environment["RUNS_TABLE"] = stack.runs_table
    shell.environment["REBUILD_DB_URL"] = f"{stack.database_url.removesuffix('postgres')}rebuilt"
    yield shell
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute("drop database rebuilt")


def test_every_example_works(owner: Shell) -> None:
    made = owner.types("supakeep backup --json && supakeep backup --to ./copies --json >/dev/null")
    assert made.returncode == 0, made.stderr
    restored = owner.types(
        f"supakeep restore latest --table user_credits --confirm {owner.destination}"
    )
    meant = {
        "backup_<ref>_2026-11-21": json.loads(made.stdout)["name"],
        "20261122T123702Z-dee1a4e4": restored.stdout.partition("supakeep undo ")[2].split()[0],
    }

    def translated(name: str, line: str) -> str:
        for written, here in meant.items():
            line = line.replace(written, here)
        if name == "backup":
            # two backups of one second have one name, and the folder is used for both places
            time.sleep(1)
        asks = name in ("restore", "undo") and "--dry-run" not in line
        return f"{line} --confirm {owner.destination}" if asks else line

    lines = (translated(name, f"supakeep {example}") for name, example in EXAMPLES)
    for done in owner.types_each(lines):
        assert done.code == 0, done
        assert owner.secrets_in(done) == [], done.line


# each first reads something; what they write, the examples write too
JSON = (
    "list", "show latest", "coverage", "verify latest", "diff latest", "schema diff latest",
    "restore latest --dry-run", "copy latest",
    "prune --dry-run", "pin latest", "unpin latest", "runs", "check", "config check", "config show",
    "migration", "keys list", "audit", "audit verify", "ledger",
    "ledger verify", "download latest --to ./downloaded", "keygen", "show none",
)  # fmt: skip


def test_every_command_gives_programs_json_and_no_secret(owner: Shell) -> None:
    made = owner.types("supakeep backup --json && supakeep drill --json")
    assert made.returncode == 0, made.stderr
    for done in owner.types_each(f"supakeep {command} --json --debug" for command in JSON):
        assert isinstance(json.loads(done.out), dict), done.line
        assert owner.secrets_in(done) == [], done.line


def test_every_command_has_examples() -> None:
    assert [command.name for command in COMMANDS if not command.examples] == []


def test_a_diff_with_the_database_names_exactly_what_was_changed(shell: Shell) -> None:
    made = shell.supakeep("backup --json")
    name = json.loads(made.stdout)["name"]
    with psycopg.connect(shell.stack.database_url, autocommit=True) as connection:
        connection.execute("update operation_costs set cost = cost + 0.0001 where ctid in "
                           "(select ctid from operation_costs order by 1 limit 2)")  # fmt: skip
        connection.execute(
            "delete from credit_transactions where id in (select id from credit_transactions limit 3)"
        )
    try:
        live = shell.supakeep(f"diff {name} --json --rows")
        second = json.loads(shell.supakeep("backup --json").stdout)["name"]
        stored = shell.supakeep(f"diff {name} {second} --json --rows")
    finally:
        shell.supakeep(f"restore {name} --confirm {shell.destination}")

    assert live.returncode == stored.returncode == 0, live.stderr + stored.stderr
    tables = {table["table"]: table for table in json.loads(live.stdout)["tables"]}
    costs, transactions = tables["public.operation_costs"], tables["public.credit_transactions"]
    assert (costs["added"], costs["removed"], costs["changed"]) == (0, 0, 2)
    assert all("cost" in row["columns"] for row in costs["rows"])
    assert (transactions["added"], transactions["removed"], transactions["changed"]) == (0, 3, 0)
    others = {name for name in tables if tables[name]["status"] != "same"}
    assert others == {"public.operation_costs", "public.credit_transactions"}
    assert json.loads(stored.stdout)["tables"] == json.loads(live.stdout)["tables"]


def test_a_download_restores_when_storage_is_gone(shell: Shell) -> None:
    name = json.loads(shell.supakeep("backup --json").stdout)["name"]

    done = shell.supakeep(f"download {name} --to ./kept")
    again = shell.supakeep(f"download {name} --to ./kept --json")
    dry = shell.supakeep(f"restore {name} --from ./kept --dry-run --json")

    assert done.returncode == again.returncode == dry.returncode == 0, done.stderr
    report = json.loads(again.stdout)
    assert report["already_there"] == report["objects"]
    assert {table["updated"] for table in json.loads(dry.stdout)["tables"]} == {0}


def test_a_check_of_a_stack_in_order_finds_nothing(shell: Shell) -> None:
    shell.supakeep("backup")

    done = shell.supakeep("check --json")

    assert done.returncode == 0, done.stdout
    assert {check["status"] for check in json.loads(done.stdout)["checks"]} == {"OK"}


def test_a_check_finds_the_right_that_is_missing(stack: Stack, tmp_path: Path) -> None:
    with psycopg.connect(stack.postgres.url("supabase_admin"), autocommit=True) as owner:
        owner.execute("create table public.hidden (id int primary key)")
        owner.execute("revoke all on public.hidden from public, anon, authenticated, service_role")
        try:
            done = Shell(stack, tmp_path, "rest").supakeep("check --json")
        finally:
            owner.execute("drop table public.hidden")

    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1, done.stdout
    assert checks["tables"]["message"] == "Permission denied for table public.hidden"
    assert "grant select" in checks["tables"]["advice"].lower()


def test_init_finds_the_size_of_a_backup_and_what_stands_in_its_way(shell: Shell) -> None:
    with psycopg.connect(shell.stack.postgres.url("supabase_admin"), autocommit=True) as owner:
        owner.execute("create table public.keyless (note text)")
        owner.execute("grant select on public.keyless to service_role, postgres")
        try:
            done = shell.supakeep("init --json")
        finally:
            owner.execute("drop table public.keyless")
    made = shell.supakeep("backup --json")

    assert done.returncode == made.returncode == 0, done.stderr + made.stderr
    found, backup = json.loads(done.stdout), json.loads(made.stdout)
    tables = {table["table"]: table for table in found["tables"]}
    assert tables["public.keyless"]["needs_key"] is ("SUPABASE_DB_URL" not in shell.environment)
    users = [t for t in backup["tables"] if t["name"].startswith("auth.")]
    assert bool(users) is ("SUPABASE_DB_URL" in shell.environment)
    rows = backup["rows"] - sum(table["rows"] for table in users)
    assert found["estimate"]["rows"] == rows
    size = backup["size_bytes"] - sum(table["bytes"] for table in users)
    assert abs(found["estimate"]["backup_bytes"] / size - 1) < 0.1
    checked = shell.supakeep("config check")
    assert checked.returncode == 0, checked.stdout


def test_the_statistics_count_the_rows_of_partitions_once(stack: Stack) -> None:
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute("create table measured (id int primary key) partition by range (id)")
        connection.execute(
            "create table measured_1 partition of measured for values from (0) to (50)"
        )
        connection.execute(
            "create table measured_2 partition of measured for values from (50) to (99)"
        )
        connection.execute("insert into measured select generate_series(0, 89)")
        connection.execute("analyze measured")
        try:
            activity = PostgresDatabase(stack.database_url).table_activity()
        finally:
            connection.execute("drop table measured")

    assert activity["public.measured"].rows == 90
    assert activity["public.measured"].since is not None
    assert "public.measured_1" not in activity


def test_the_documented_workflow_backs_up_verifies_prunes_and_checks(shell: Shell) -> None:
    page = (PROJECT / "docs/cli.md").read_text()
    text = page.partition("## From a GitHub Action")[2].partition("```yaml\n")[2]
    job = yaml.safe_load(text.partition("```")[0])["jobs"]["backup"]
    install, *commands = [step["run"] for step in job["steps"] if "run" in step]
    (shell.folder / "supakeep.toml").write_text('[backup]\ntables = "*"\n')
    # what is not used is empty there, and not missing
    shell.environment = dict.fromkeys(job["env"], "") | shell.environment

    # the wheel itself is installed and run by test_wheel.py
    assert install.startswith("pipx install ")
    assert len(commands) == 5
    for command in commands:
        done = shell.types(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
