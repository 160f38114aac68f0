"""The commands that the documents and `make dev` tell a reader to type do what they promise."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from devstack import PROJECT, dev
from devstack.demo.seed import seed
from devstack.demo.wreckage import fingerprint, wreck
from devstack.stack import Stack, local_stack
from supakeep.archive.manifest import encode_manifest
from tests.builders.keys import OURS
from tests.builders.manifests import a_manifest
from tests.builders.ordinary_tools import path_with_tools
from tests.builders.signing import KEYRING, SIGNING_KEY, STRANGERS

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)

EVERYTHING = '[backup]\ntables = "*"\n'
# What a naive reader of the format gets wrong: digits, quotes, line breaks, names, columns that refuse values.
TRAPS = r"""
create table public."Order lines" (
  "order" bigint generated always as identity,
  "line no" integer,
  total numeric not null,
  doubled numeric generated always as (total * 2) stored,
  note text,
  raw json,
  "bytes" bytea,
  tags text[],
  at timestamptz,
  primary key ("order", "line no"));
insert into public."Order lines" overriding system value values
  (9007199254740993, 1, 12345678901234567890.1230, default, E'a "quote", a \\ and\nlines\t\u0001',
   '{"b": 1, "a": 2.50, "a": 3}', '\xdeadbeef00', array['{,}', null, ''], 'infinity'),
  (7, 2, 'NaN', default, '', '{"n": null}', '', '{}', '0044-03-15 12:00 BC'),
  (8, 1, 0.10, default, '\.', '[1e400]', null, null, '2026-02-28 23:59:59.999999+14');
create table public.only_keys (a uuid, b text, primary key (a, b));
insert into public.only_keys values (gen_random_uuid(), 'x'), (gen_random_uuid(), 'y');
create table public.empty_one (id serial primary key);
"""
# how the backup is stored, with the suffix that its objects have
ENCODINGS = {
    "": "",
    ".gz": '[storage]\ncompression = "gzip"\n',
    ".zst": '[storage]\ncompression = "zstd"\n',
    ".zst.age": f'[storage]\ncompression = "zstd"\n[encryption]\nrecipients = ["{OURS.public}"]\n',
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with local_stack(tmp_path_factory.mktemp("stack")) as running:
        seed(running.database_url)
        with psycopg.connect(running.database_url) as connection:
            connection.execute(TRAPS.encode())
        yield running


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> str:
    return path_with_tools(tmp_path_factory.mktemp("bin"))


@pytest.mark.parametrize(
    ("volume_bytes", "encoding"),
    [
        (45 * 1024 * 1024, ""),
        (100_000, ""),
        (100_000, ".zst.age"),
        (100_000, ".gz"),
    ],
)
def test_only_ordinary_tools_are_needed_to_restore_what_was_there(
    stack: Stack, tools: str, tmp_path: Path, volume_bytes: int, encoding: str
) -> None:
    name = back_up(stack, tmp_path, volume_bytes, ENCODINGS[encoding])
    before = {**fingerprint(stack.database_url), "traps": traps(stack)}
    volumes = list((tmp_path / "daily").glob(f"*.sql.json{encoding}*"))
    assert volumes
    assert (len(volumes) > 9) == (volume_bytes < 1024 * 1024)

    wreck(stack.database_url)
    with psycopg.connect(stack.database_url) as connection:
        connection.execute('delete from public."Order lines" where "order" > 7')
        connection.execute("update public.\"Order lines\" set note = 'wrong'")
        connection.execute("delete from public.only_keys where b = 'x'")
    assert before != {**fingerprint(stack.database_url), "traps": traps(stack)}
    said = run_restore(stack, tools, tmp_path, name)

    assert before == {**fingerprint(stack.database_url), "traps": traps(stack)}
    assert "public.user_credits: 400 rows" in said
    # the part of the largest table, cut out by its offset
    assert "public.credit_transactions: 12400 rows, straight from its volumes" in said
    assert ("part.txt: OK" in said) == (not encoding.endswith(".age"))


def test_the_next_insert_after_that_restore_gets_a_free_id(
    stack: Stack, tools: str, tmp_path: Path
) -> None:
    name = back_up(stack, tmp_path, 45 * 1024 * 1024)
    with psycopg.connect(stack.database_url) as connection:
        connection.execute("truncate public.credit_transactions restart identity")

    run_restore(stack, tools, tmp_path, name)

    with psycopg.connect(stack.database_url) as connection:
        added = connection.execute(
            "insert into public.credit_transactions (user_id, kind, amount, balance_after) "
            "select user_id, 'bonus', 1, 1 from public.user_credits limit 1 returning id"
        ).fetchone()
    assert added is not None
    assert added[0] > 12_400


def test_a_damaged_volume_stops_that_restore_before_the_database_is_reached(
    stack: Stack, tools: str, tmp_path: Path
) -> None:
    name = back_up(stack, tmp_path, 45 * 1024 * 1024)
    document = tmp_path / f"daily/{name}.sql.json"
    document.write_bytes(document.read_bytes().replace(b"purchase", b"Purchase", 1))

    restored = run_commands(stack, tools, tmp_path, name)

    assert restored.returncode != 0
    assert "FAILED" in restored.stdout
    assert not (tmp_path / "restore.sql").exists()


def test_what_make_dev_says_to_type_works(stack: Stack, tmp_path: Path) -> None:
    keys = tmp_path / "a folder/.env"
    keys.parent.mkdir()
    dev.write_environment(stack, keys)
    printed = dev.describe(stack, {}, 1.0, keys)
    commands = printed.partition("Type next, in another shell:")[2]

    typed = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=tmp_path, check=False, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )  # fmt: skip

    assert typed.returncode == 0, typed.stdout + typed.stderr
    assert '"status":"queued"' in typed.stdout
    stack.wait_idle()
    engines = {backup["engine"] for backup in listed(stack)}
    assert engines == {"rest", "postgres"}
    assert stack.admin_key not in printed


def test_the_dashboard_is_where_make_dev_says(stack: Stack, tmp_path: Path) -> None:
    printed = dev.describe(stack, {}, 1.0, tmp_path / ".env")
    address = re.search(r"dashboard +(\S+)", printed)
    assert address is not None

    page = httpx.get(address[1])

    assert page.status_code == 200
    assert "<title>Supakeep</title>" in page.text


def listed(stack: Stack) -> list[dict[str, Any]]:
    """The backups that the HTTP API lists."""
    answer = httpx.get(
        f"{stack.api_url}/api/admin/backups",
        headers={"authorization": f"Bearer {stack.admin_key}"},
        timeout=30,
    )
    backups: list[dict[str, Any]] = answer.json()["backups"]
    return backups


@pytest.mark.skipif(sys.platform != "linux", reason="that pg_dump is a Linux program")
def test_the_pg_dump_of_the_recovery_plan_dumps_the_users_and_speaks_tls(
    stack: Stack, tmp_path: Path
) -> None:
    security = (PROJECT / "SECURITY.md").read_text()
    [definition] = re.findall(r"^  ```bash\n(.*?)^  ```$", security, re.MULTILINE | re.DOTALL)
    [dump] = re.findall(r"^pg_dump .*$", security, re.MULTILINE)
    script = f"{definition}\ncd {shlex.quote(str(tmp_path))}\n{dump}"

    def run(database_url: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=PROJECT, check=False, capture_output=True, text=True,
            env={"PATH": os.environ["PATH"], "DATABASE_URL": database_url},
        )  # fmt: skip

    dumped = run(stack.database_url)
    assert dumped.returncode == 0, dumped.stderr
    assert "COPY auth.users" in (tmp_path / "auth.sql").read_text()
    refused = run(f"{stack.database_url}?sslmode=require").stderr
    assert "server does not support SSL, but SSL was required" in refused


def test_the_signature_is_verified_with_openssl_and_jq_as_documented(
    tmp_path: Path, tools: str
) -> None:
    manifest = a_manifest(warnings=("ünïcode \U0001f40d",))
    file = tmp_path / manifest.name.manifest_key
    file.parent.mkdir()
    chapter = (PROJECT / "docs/format.md").read_text().partition("### The manifest's signature")[2]
    script = FENCE.search(chapter)
    assert script is not None

    def verify(content: bytes) -> int:
        file.write_bytes(content)
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script["text"]],
            cwd=tmp_path, check=False, capture_output=True,
            env={"PATH": tools, "NAME": manifest.backup, "SIGNING_KEY": SIGNING_KEY},
        ).returncode  # fmt: skip

    signed = encode_manifest(manifest, KEYRING)
    assert verify(signed) == 0
    assert verify(encode_manifest(manifest, STRANGERS)) != 0
    assert verify(signed.replace(b'"rows": 0', b'"rows": 1')) != 0


def back_up(stack: Stack, folder: Path, volume_bytes: int, stored: str = "") -> str:
    """Backs everything up into `folder` and returns the backup's name."""
    (folder / "supakeep.toml").write_text(EVERYTHING + stored)
    (folder / "key.txt").write_text(f"{OURS.private}\n")
    environment = {**os.environ, **stack.environment(), "MAX_OBJECT_BYTES": str(volume_bytes)}
    made = subprocess.run(
        [sys.executable, "-m", "supakeep", "backup", "--to", "."],
        cwd=folder, env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return next((folder / "daily").glob("*.manifest.json")).name.removesuffix(".manifest.json")


def run_restore(stack: Stack, tools: str, folder: Path, name: str) -> str:
    """Runs docs/format.md's commands in `folder`; returns what they print."""
    restored = run_commands(stack, tools, folder, name)
    assert restored.returncode == 0, restored.stdout + restored.stderr
    return restored.stdout


def run_commands(
    stack: Stack, tools: str, folder: Path, name: str
) -> subprocess.CompletedProcess[str]:
    chapter = (PROJECT / "docs/format.md").read_text().partition("## Restore without Supakeep")[2]
    script = "\n".join(
        match["text"] for match in FENCE.finditer(chapter) if match["language"] == "bash"
    )
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder, check=False, capture_output=True, text=True,
        env={"PATH": tools, "LC_ALL": "C", "NAME": name, "DATABASE_URL": stack.database_url,
             "IDENTITY": "key.txt"},
    )  # fmt: skip


def traps(stack: Stack) -> list[tuple[str, ...]]:
    """Every row of the tables with traps, in Postgres's own text."""
    with psycopg.connect(stack.database_url) as connection:
        return connection.execute(
            'select t::text, raw::text from public."Order lines" t union all '
            "select t::text, '' from public.only_keys t order by 1"
        ).fetchall()
