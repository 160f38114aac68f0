"""A database's password, where the database or the network refuses: it is printed nowhere."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from devstack.processes.ports import free_port
from tests.builders.command_line import run_supakeep
from tests.builders.manifests import PROJECT
from tests.builders.postgres_project import PostgresProject

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

# as it must be written, and as it is
ENCODED, PARTS = "ca%40na%23ry%2Fof%25ten", ("ca@", "na#", "ry/", "of%", "ca%40", "na%23", "canary")


def run(folder: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SUPA", "NEXT_PUBLIC_"))}
    settings = {"SUPABASE_DB_URL": url, "SUPABASE_PROJECT_REF": PROJECT}
    return run_supakeep(*arguments, "--verbose", environment=inherited | settings, folder=folder)


def test_a_refused_login_does_not_print_the_password(
    project: PostgresProject, tmp_path: Path
) -> None:
    server = f"127.0.0.1:{project.server.port}"
    for place in (
        f"nobody:{ENCODED}@{server}/{project.name}",
        f"postgres:{ENCODED}@{server}/missing",
        f"postgres:{ENCODED}@127.0.0.1:{free_port()}/{project.name}",
        f"postgres:{ENCODED}@{server}/{project.name}?options=-c%20no_such_setting%3D1",
    ):
        ended = run(tmp_path, f"postgresql://{place}", "backup", "--to", "copies")

        assert ended.returncode == 1, ended.stderr
        assert "error: " in ended.stderr
        assert not [part for part in PARTS if part in ended.stdout + ended.stderr]


def test_an_encoded_password_is_no_obstacle(project: PostgresProject, tmp_path: Path) -> None:
    project.sql("create table t (id int primary key)")

    ended = run(
        tmp_path,
        f"postgresql://postgres:{ENCODED}@127.0.0.1:{project.server.port}/{project.name}",
        *("backup", "--to", "copies"),
    )

    assert ended.returncode == 0, ended.stderr
