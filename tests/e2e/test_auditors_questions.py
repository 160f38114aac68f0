"""What SECURITY.md answers to an auditor is what its commands answer."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devstack import PROJECT
from supakeep.domain.api_key import Scope
from supakeep.runs.dynamodb_keys import DynamoDbApiKeyStore
from tests.builders.api_keys import an_api_key, key_named
from tests.builders.ordinary_tools import path_with_tools
from tests.e2e.deployment import SUPAKEEP

if TYPE_CHECKING:
    from tests.e2e.deployment import Deployment

CHAPTER = "## An auditor's questions"
NOW = dt.datetime.now(dt.UTC)
KEY = "support-2026-11"
AUTHORIZED = "Authorization: Bearer "


def commands(question: str) -> str:
    """The blocks below a question, without the indentation that a list gives them."""
    chapter = (PROJECT / "SECURITY.md").read_text().partition(CHAPTER)[2].partition("\n## ")[0]
    answer = chapter.partition(f"### {question}\n")[2].partition("\n### ")[0]
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", answer, re.MULTILINE | re.DOTALL)
    assert blocks, question
    return "\n".join(blocks)


class Auditor:
    """Types commands at a deployment; `settings` are the variables that the chapter names."""

    def __init__(self, supakeep: Deployment, folder: Path) -> None:
        self.supakeep = supakeep
        self.folder = folder
        self.settings: dict[str, str] = {}
        (folder / "admin.header").write_text(f"{AUTHORIZED}{supakeep.stack.admin_key}\n")

    def ask(self, question: str) -> list[list[str]]:
        """The lines of the answer, each cut at its tabs. As in a shell that somebody types at, a command that
        exits with 3, such as a dry run that finds nothing, does not end it.
        """
        stack = self.supakeep.stack
        typed = subprocess.run(
            ["bash", "-uc", commands(question)],
            cwd=self.folder, check=False, capture_output=True, text=True,
            env={**self.supakeep.shell_environment, **self.settings, "RUNS_TABLE": stack.runs_table,
                 "API": stack.api_url, "HOME": str(self.folder), "LC_ALL": "C.UTF-8",
                 "PATH": os.pathsep.join([str(SUPAKEEP.parent), path_with_tools(self.folder)])},
        )  # fmt: skip
        assert typed.returncode == 0, typed.stdout + typed.stderr
        return [line.split("\t") for line in typed.stdout.splitlines()]


@pytest.fixture
def auditor(supakeep: Deployment, tmp_path: Path) -> Auditor:
    """Comes after a backup, a download, and a restore with a key."""
    made, ends = NOW - dt.timedelta(days=1), NOW + dt.timedelta(days=365)
    keys = DynamoDbApiKeyStore(supakeep.dynamodb, supakeep.stack.runs_table, supakeep.ref)
    keys.add(an_api_key(KEY, scopes=(Scope.RESTORE,), created_at=made, expires_at=ends))
    keys.add(an_api_key("ci", scopes=(Scope.BACKUP,), created_at=made, expires_at=ends))
    keys.add(an_api_key("old", scopes=(Scope.ADMIN,), created_at=made, expires_at=made))
    name = supakeep.back_up()["backup"]
    supakeep.stack.wait_idle()
    body = {"name": name, "confirm": supakeep.stack.destination, "tables": ["user_credits"]}
    supakeep.follow(supakeep.call("POST", "/api/admin/restore", body, key=key_named(KEY)))
    supakeep.call("GET", f"/api/admin/backups/{name}/download")
    return Auditor(supakeep, tmp_path)


def test_who_restored_what_and_who_could_have(auditor: Auditor) -> None:
    [name] = auditor.supakeep.names()
    auditor.settings["AT"] = f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%S}"

    ended, begun, [whole] = auditor.ask("Who restored what, and when?")
    could = auditor.ask("Who could have?")

    assert ended[1:6] == [
        KEY,
        "127.0.0.1",
        "complete",
        name,
        "changed 0 rows in public.user_credits",
    ]
    assert begun[1:5] == [KEY, "127.0.0.1", "started", name]
    assert whole.startswith("The audit log is whole")
    assert [line[0] for line in could] == [KEY, "ADMIN_KEY", "CRON_SECRET"]


def test_what_left_the_database_and_who_fetched_it(auditor: Auditor) -> None:
    [name] = auditor.supakeep.names()

    *shown, fetched = auditor.ask("What left the database?")

    assert fetched[1:] == ["ADMIN_KEY", "127.0.0.1", name]
    assert any("public.user_credits" in line for [line] in shown)
    assert any("not supported" in line for [line] in shown)


def test_a_person_is_erased_from_the_backups_and_what_stays_is_known(auditor: Auditor) -> None:
    supakeep = auditor.supakeep
    [old] = supakeep.names()
    [(person,)] = supakeep.execute("select min(user_id::text) from user_credits")
    supakeep.execute(f"delete from auth.users where id = '{person}'")
    new = supakeep.back_up()["backup"]
    supakeep.stack.wait_idle()
    auditor.settings |= {"PERSON": person, "BACKUP": old}

    lines = auditor.ask("How is a person erased?")

    states = [tuple(line) for line in lines if len(line) == 4]
    assert states == [
        (old, store, "1", state)
        for state in ("matching", "erased")
        for store in ("primary", "mirror")
    ]
    assert ["complete", "1 row of public.user_credits from 1 backup"] in lines
    assert any(line[0].startswith(f"{old} is good") for line in lines)
    kept = [line for line in lines if len(line) == 3]
    assert sorted(line[:2] for line in kept) == sorted(
        [name, store] for name in (old, new) for store in ("primary", "mirror")
    )
    assert all(dt.datetime.fromisoformat(line[2]) > NOW for line in kept)
    assert supakeep.names() == [new]


def test_a_key_that_leaked_is_closed_and_what_it_did_is_known(auditor: Auditor) -> None:
    auditor.settings["KEY"] = KEY

    [revoked], ended, begun = auditor.ask("What happens when a key leaks?")

    assert revoked.startswith(f"The key {KEY} is revoked")
    assert (ended[2:4], begun[2:4]) == (["restore", "complete"], ["restore", "started"])
