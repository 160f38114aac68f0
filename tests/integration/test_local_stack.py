"""What the local stack promises: a project, its keys, AWS's resources and an end without trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import psycopg
import pytest

from devstack.processes import guardian
from devstack.stack import Stack
from tests.builders.echo_project import TEMPLATE, make_project

PROJECT = Path(__file__).parent.parent.parent
pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]


@pytest.fixture
def stack(echo_stack: Stack) -> Stack:
    return echo_stack


def data_api(stack: Stack, path: str, key: str | None) -> httpx.Response:
    headers = {} if key is None else {"apikey": key}
    return httpx.get(f"{stack.supabase_url}/rest/v1/{path}", headers=headers)


def test_the_data_api_serves_the_seeded_tables_to_the_service_key(stack: Stack) -> None:
    response = httpx.get(
        f"{stack.supabase_url}/rest/v1/credit_transactions?limit=5000",
        headers={"apikey": stack.service_key, "prefer": "count=exact"},
    )
    assert response.status_code == 206
    assert response.headers["content-range"] == "0-999/12400"


@pytest.mark.parametrize("key", [None, "sb_secret_" + "x" * 22 + "_12345678", "nonsense"])
def test_the_data_api_refuses_a_wrong_or_missing_key(stack: Stack, key: str | None) -> None:
    assert data_api(stack, "user_credits", key).status_code == 401


def test_the_publishable_key_sees_no_rows_of_others(stack: Stack) -> None:
    key = stack.lite.publishable_key
    assert data_api(stack, "user_credits", key).status_code == 401
    assert len(data_api(stack, "operation_costs", key).json()) == 12


def test_a_new_table_is_readable_through_the_default_privileges(stack: Stack) -> None:
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        database.execute("create table public.later (id int primary key)")
        try:
            assert data_api(stack, "later", stack.service_key).json() == []
            database.execute("revoke all on public.later from service_role")
            refused = data_api(stack, "later", stack.service_key)
        finally:
            database.execute("drop table public.later")
    assert (refused.status_code, refused.json()["code"]) == (403, "42501")


def test_storage_keeps_private_objects_in_the_stacks_folder(stack: Stack) -> None:
    keys = {"apikey": stack.service_key, "authorization": f"Bearer {stack.service_key}"}
    url = f"{stack.supabase_url}/storage/v1/object/backups/daily/a.json"
    assert httpx.post(url, content=b"{}", headers=keys).status_code == 200
    assert httpx.get(url, headers=keys).content == b"{}"
    assert httpx.get(url).status_code == 400
    wrong = {"authorization": "Bearer sb_secret_wrong"}
    assert httpx.post(url, content=b"{}", headers=wrong).status_code == 401
    assert (stack.lite.storage_folder / "backups/daily/a.json").read_bytes() == b"{}"


def test_the_seed_is_consistent_and_exercises_every_default_policy(stack: Stack) -> None:
    with psycopg.connect(stack.database_url) as database:

        def number(query: str) -> int:
            row = database.execute(query.encode()).fetchone()
            assert row is not None
            return int(row[0])

        assert number("select count(*) from user_credits") == 400
        assert number("select count(*) from credit_transactions") == 12_400
        assert number("select count(*) from batch_projects") >= 60
        old = "select count(*) from batch_images where created_at < now() - interval '30 days'"
        assert number(old) > 100
        assert number(old.replace("<", ">")) > 100
        assert number(
            "select max(abs(perceptual_hash)) / (2::bigint ^ 53)::bigint from batch_images"
        )
        wrong = """select count(*) from user_credits u where balance <>
                   (select sum(amount) from credit_transactions t where t.user_id = u.user_id)"""
        assert number(wrong) == 0
        next_id = "select nextval(pg_get_serial_sequence('credit_transactions', 'id'))"
        assert number(next_id) == 12_401


def test_jewelshot_has_the_trigger_of_every_project_which_needs_the_callers_search_path(
    stack: Stack,
) -> None:
    update = "update public.operation_costs set cost = cost where id = 1"
    changed = (
        "select updated_at > now() - interval '1 minute' from public.operation_costs where id = 1"
    )
    with psycopg.connect(stack.database_url) as database:
        database.execute(update)
        assert database.execute(changed.encode()).fetchone() == (True,)
        database.execute("set local search_path = pg_catalog")
        with pytest.raises(psycopg.errors.UndefinedFunction):
            database.execute(update)
        database.rollback()


def test_the_database_role_has_a_hosted_owners_rights(stack: Stack) -> None:
    with psycopg.connect(stack.database_url) as database:
        row = database.execute(
            "select rolsuper, rolbypassrls from pg_roles where rolname = current_user"
        ).fetchone()
        database.execute("set session_replication_role = replica")
    assert row == (False, True)


def test_what_the_template_declares_exists_in_aws(stack: Stack) -> None:
    s3 = stack.aws.s3()
    assert s3.get_bucket_versioning(Bucket=stack.mirror_bucket)["Status"] == "Enabled"
    table = stack.aws.dynamodb().describe_time_to_live(TableName=stack.runs_table)
    assert table["TimeToLiveDescription"]["AttributeName"] == "expires_at"
    secret_id = stack.environment()["SECRET_ID"]
    secret = stack.aws.secretsmanager().get_secret_value(SecretId=secret_id)["SecretString"]
    assert json.loads(secret) == {
        "SUPABASE_SERVICE_ROLE_KEY": stack.service_key,
        "ADMIN_KEY": stack.admin_key,
        "CRON_SECRET": stack.cron_secret,
        "SIGNING_KEY": stack.signing_key,
    }


def test_no_key_is_written_to_a_log_or_a_command_line(stack: Stack) -> None:
    secrets = [stack.service_key, stack.admin_key, stack.cron_secret, stack.signing_key]
    written = "".join(file.read_text(errors="replace") for file in stack.logs.iterdir())
    assert "Server running" in written
    commands = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    for secret in secrets:
        assert secret not in written
        assert secret not in commands.stdout


def processes_of(folder: Path) -> list[str]:
    """Running processes that work in a folder or were told of it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            about = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            about += bytes((entry / "cwd").readlink())
            if bytes(folder) in about and int(entry.name) != os.getpid():
                found.append(f"{entry.name} {about[:200]!r}")
    return found


SLEEPER = """
import signal, sys, threading
# a shell that runs this in the background has it ignore SIGINT
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from devstack.stack import Options, local_stack
folder = Path(sys.argv[1])
options = Options(template=folder / "project/template.yaml", build_folder=folder / "build", migrate=False)
with local_stack(folder / "run", options) as stack:
    threading.Thread(
        target=stack.invoke, args=("EchoFunction", {"do": "sleep", "seconds": 60}), daemon=True
    ).start()
    stack.invoke("EchoFunction", {})
    print("up", stack.postgres.child.popen.pid, flush=True)
    if sys.argv[2] == "fail":
        raise RuntimeError("on purpose")
    threading.Event().wait()
"""


@pytest.mark.parametrize("end", ["fail", "SIGINT", "SIGTERM", "SIGKILL"])
def test_no_process_is_left_behind(tmp_path: Path, end: str) -> None:
    template = make_project(tmp_path / "project")
    template.write_text(TEMPLATE.replace("Timeout: 3", "Timeout: 100"))
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPER, str(tmp_path), end],
        stdout=subprocess.PIPE,
        cwd=PROJECT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            up = process.stdout.readline().split()
            assert up[:1] == ["up"]
            if end != "fail":
                process.send_signal(signal.Signals[end])
            process.wait(60)  # a busy disk makes PostgreSQL write its last checkpoint slowly
        finally:
            process.kill()
    deadline = time.monotonic() + 10
    while (left := processes_of(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
    assert not guardian.alive(int(up[1]))
