"""The documents say nothing that was not tried: their commands run, their examples are valid."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
import yaml

from devstack import PROJECT, dev
from devstack.aws.template import Template
from devstack.demo.seed import seed
from devstack.demo.wreckage import fingerprint, wreck
from devstack.stack import Stack, local_stack
from devstack.supabase.postgres import find_binaries
from supakeep.api.contracts import RestoreBody
from supakeep.cli.commands import COMMANDS
from supakeep.cli.main import build_parser
from supakeep.domain.policy import BackupPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

DOCUMENTS = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
# CONTRIBUTING.md explains what a new one of these would take.
TO_BE_ADDED = {"stores/azure.py", "usecases/pin_backup.py", "cli/pin.py"}
SETTINGS = PROJECT / "layers/shared/src/supakeep/settings"
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
JQ = '''#!{python}
"""jq's command line over libjq, as far as docs/format.md uses it."""
import json, sys
import jq

flags, words = set(), []
arguments = iter(sys.argv[1:])
for word in arguments:
    if word == "-f":
        words.append(open(next(arguments), encoding="utf-8").read())
    elif word.startswith("-"):
        flags |= set(word[1:])
    else:
        words.append(word)
program, file = words
for value in jq.compile(program).input_text(open(file, encoding="utf-8").read()):
    plain = isinstance(value, str) and flags & set("rj")
    text = value if plain else json.dumps(
        value, sort_keys="S" in flags, ensure_ascii="a" in flags, separators=(",", ":"))
    sys.stdout.write(text + ("" if "j" in flags else "\\n"))
'''


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with local_stack(tmp_path_factory.mktemp("stack")) as running:
        seed(running.database_url)
        with psycopg.connect(running.database_url) as connection:
            connection.execute(TRAPS.encode())
        yield running


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with psql and jq on it."""
    path = os.pathsep.join([str(find_binaries(None)), os.environ["PATH"]])
    if shutil.which("jq"):
        return path
    folder = tmp_path_factory.mktemp("bin")
    (folder / "jq").write_text(JQ.format(python=sys.executable))
    (folder / "jq").chmod(0o755)
    return f"{folder}{os.pathsep}{path}"


@pytest.mark.parametrize("volume_bytes", [45 * 1024 * 1024, 100_000], ids=["whole", "in-volumes"])
def test_psql_and_jq_alone_restore_what_was_there(
    stack: Stack, tools: str, tmp_path: Path, volume_bytes: int
) -> None:
    name = back_up(stack, tmp_path, volume_bytes)
    before = {**fingerprint(stack.database_url), "traps": traps(stack)}
    volumes = list((tmp_path / "daily").glob("*.sql.json*"))
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
    assert "part.txt: OK\npublic.credit_transactions: 12400 rows" in said


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


def test_every_supakeep_command_in_the_documents_is_one_that_exists() -> None:
    lines = [line for line in shell_lines() if line.split()[0] == "supakeep"]
    assert len(lines) > 20
    for line in lines:
        command = line.partition(" #")[0].partition(" |")[0]
        words = shlex.split(command.replace("$(", "").replace("<", "").replace(">", ""))
        build_parser(COMMANDS).parse_args(words[1:])  # exits, and so fails, where it is wrong


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for document in DOCUMENTS
        for target in re.findall(r"`make ([a-z-]+)[^`]*`", document.read_text())
    }
    assert {"demo", "test"} <= named <= targets


def test_every_hook_and_workflow_calls_what_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    hooks = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    jobs = [
        job
        for file in (PROJECT / ".github/workflows").glob("*.yml")
        for job in yaml.safe_load(file.read_text())["jobs"].values()
    ]
    ran = {step["run"] for job in jobs for step in job["steps"] if "run" in step}
    called = {hook["entry"] for hook in hooks} | ran - {".ci/run"}
    assert ".ci/run" in ran
    assert {call.removeprefix("make ") for call in called} <= targets
    [matrix] = [job["strategy"]["matrix"]["python"] for job in jobs if "strategy" in job]
    assert matrix == ["3.11", "3.13"]


def test_every_route_is_documented_and_every_documented_path_is_routed() -> None:
    template = Template(PROJECT / "template.yaml", {"SupabaseUrl": "https://abc.supabase.co"})
    routed = {route.path for function in template.functions() for route in function.routes}
    reference = (PROJECT / "docs/api.md").read_text()
    named = set(re.findall(r"^\| `(?:GET|POST|GET, POST) (/api/[^`]*)`", reference, re.MULTILINE))
    assert named == routed


def test_every_field_of_a_restore_is_documented() -> None:
    chapter = (PROJECT / "docs/api.md").read_text().partition("## Restore\n")[2]
    named = re.findall(r"^\| `(\w+)` \|", chapter.partition("## Prune")[0], re.MULTILINE)
    assert sorted(named) == sorted(RestoreBody.model_fields)


def test_every_option_of_the_command_line_is_documented() -> None:
    reference = (PROJECT / "docs/cli.md").read_text()
    options = {
        option
        for parser in command_parsers()
        for action in parser._actions
        for option in action.option_strings
        if option.startswith("--") and option not in ("--help", "--version")
    }
    assert "--confirm" in options
    assert {
        option for option in options if f"`{option}" not in reference.replace(" --", " `--")
    } == set()


def test_every_setting_is_documented() -> None:
    source = "".join(file.read_text() for file in SETTINGS.glob("*.py"))
    read = set(re.findall(r"""["']([A-Z]+_[A-Z0-9_]+)["']""", source))
    documented = (PROJECT / "docs/configuration.md").read_text()
    own = {name for name in read if not name.startswith("AWS_")}
    assert {"SUPABASE_DB_URL", "MAX_OBJECT_BYTES"} <= own
    assert {name for name in own if f"`{name}`" not in documented} == set()


def test_every_metric_is_documented() -> None:
    source = (PROJECT / "layers/shared/src/supakeep/api/observability.py").read_text()
    documented = (PROJECT / "docs/monitoring.md").read_text()
    metrics = set(re.findall(r"add_metric\(\s*\"(\w+)\"", source))
    assert "NewestGoodBackupAge" in metrics
    assert {metric for metric in metrics if f"`{metric}`" not in documented} == set()


def test_every_template_parameter_is_documented_with_its_default() -> None:
    text = re.sub(r"![A-Za-z]+", "", (PROJECT / "template.yaml").read_text())
    parameters = yaml.safe_load(text)["Parameters"]
    rows = re.findall(
        r"^\| `(\w+)` \| (.*?) \|", (PROJECT / "docs/configuration.md").read_text(), re.MULTILINE
    )
    documented = dict(rows)
    for name, parameter in parameters.items():
        default = str(parameter.get("Default", "required"))
        assert documented[name].strip("`") == (default or "empty"), name


def test_every_toml_example_is_a_valid_supakeep_toml() -> None:
    examples = [text for document in DOCUMENTS for text in blocks(document, "toml")]
    assert len(examples) > 3
    for example in examples:
        BackupPolicy.parse(example)


def test_every_link_between_the_documents_leads_somewhere() -> None:
    links = [
        (document, target)
        for document in DOCUMENTS
        for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text())
        if "://" not in target
    ]
    assert len(links) > 50
    broken = [
        f"{document.name}: {target}" for document, target in links if dangles(document, target)
    ]
    assert broken == []


def test_every_decision_is_listed_under_its_number() -> None:
    listed = (PROJECT / "docs/architecture.md").read_text().partition("## Decisions")[2]
    for file in sorted((PROJECT / "docs/adr").glob("*.md")):
        number = re.findall(r"^# (\d+)\. ", file.read_text(), re.MULTILINE)[0]
        assert re.search(rf"^{number}\. \[.*\]\(adr/{file.name}\)$", listed, re.MULTILINE), (
            file.name
        )


def test_every_file_that_a_guide_to_the_code_names_exists() -> None:
    roots = (PROJECT, PROJECT / "layers/shared/src/supakeep")
    text = "".join(
        (PROJECT / name).read_text() for name in ("CONTRIBUTING.md", "docs/architecture.md")
    )
    named = set(re.findall(r"`([\w./]+(?:\.py|\.sql|\.toml|/))`", text)) - TO_BE_ADDED
    assert len(named) > 20
    assert {path for path in named if not any((root / path).exists() for root in roots)} == set()


def test_the_readme_is_short_and_begins_with_the_two_commands_to_know() -> None:
    readme = (PROJECT / "README.md").read_text()
    commands = [
        line.split("#")[0].strip() for line in blocks(PROJECT / "README.md", "sh")[0].splitlines()
    ]
    assert commands == ["make demo", "make test"]
    assert len(readme.splitlines()) < 250


def dangles(document: Path, target: str) -> bool:
    """Whether a link leads to a file, or to a heading in one, that is not there."""
    path, _, anchor = target.partition("#")
    file = document.parent / path if path else document
    return not file.exists() or bool(anchor and anchor not in anchors(file))


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub makes of a document's headings."""
    text = FENCE.sub("", document.read_text())
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def command_parsers() -> list[argparse.ArgumentParser]:
    """The parser of each command."""
    [choices] = [
        action.choices
        for action in build_parser(COMMANDS)._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    return list(choices.values())


def back_up(stack: Stack, folder: Path, volume_bytes: int) -> str:
    """Backs everything up into `folder` and returns the backup's name."""
    (folder / "supakeep.toml").write_text(EVERYTHING)
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
        env={"PATH": tools, "LC_ALL": "C", "NAME": name, "DATABASE_URL": stack.database_url},
    )  # fmt: skip


def traps(stack: Stack) -> list[tuple[str, ...]]:
    """Every row of the tables with traps, in Postgres's own text."""
    with psycopg.connect(stack.database_url) as connection:
        return connection.execute(
            'select t::text, raw::text from public."Order lines" t union all '
            "select t::text, '' from public.only_keys t order by 1"
        ).fetchall()


def blocks(document: Path, language: str) -> list[str]:
    """The texts of a document's fenced blocks in one language."""
    found = FENCE.finditer(document.read_text())
    return [match["text"] for match in found if match["language"] == language]


def shell_lines() -> list[str]:
    """The commands of every shell block, continuation lines joined."""
    texts = [
        text for document in DOCUMENTS for kind in ("sh", "bash") for text in blocks(document, kind)
    ]
    return [
        line for text in texts for line in text.replace("\\\n", " ").splitlines() if line.strip()
    ]
