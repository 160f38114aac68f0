"""Ctrl-C at the command line, as a terminal sends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.builders.manifests import PROJECT
from tests.builders.postgres_project import PostgresProject

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

# a shell that runs the tests in the background has its children ignore SIGINT, and nohup has them
# ignore SIGHUP
_PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from supakeep.cli.main import main
sys.exit(main())
"""


def started(project: PostgresProject, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    settings = {
        "SUPABASE_DB_URL": project.url(),
        "SUPABASE_PROJECT_REF": PROJECT,
        "MAX_OBJECT_BYTES": "100000",
    }
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SUPA", "NEXT_PUBLIC_"))}
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *arguments],
        cwd=folder, env=inherited | settings, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def wait_for(folder: Path, pattern: str, process: subprocess.Popen[str], *, files: int = 1) -> None:
    """Until the command has stored so many of these files; it must be at work then."""
    deadline = time.monotonic() + 60
    while len(list(folder.glob(pattern))) < files:
        assert process.poll() is None, "it ended before it was interrupted"
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_backup_leaves_nothing_behind(
    project: PostgresProject, tmp_path: Path, sent: signal.Signals
) -> None:
    project.sql(
        "create table ledger (id int primary key, note text);"
        "insert into ledger select n, repeat('x', 100) from generate_series(1, 500000) n"
    )
    process = started(project, tmp_path, "backup", "--to", "copies")
    # two volumes are stored, and some hundreds are to come
    wait_for(tmp_path / "copies/daily", "*.002", process)

    process.send_signal(sent)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "interrupted"
    assert "Traceback" not in err
    assert [path for path in (tmp_path / "copies").rglob("*") if path.is_file()] == []


def test_an_interrupted_restore_writes_nothing(project: PostgresProject, tmp_path: Path) -> None:
    project.sql(
        "create table ledger (id int primary key, note text);"
        "insert into ledger select n, repeat('x', 100) from generate_series(1, 200000) n"
    )
    made = started(project, tmp_path, "backup", "--to", "copies")
    made.communicate(timeout=120)
    assert made.returncode == 0
    project.sql("update ledger set note = 'changed'")
    place = f"127.0.0.1:{project.server.port}/{project.name}"
    process = started(
        project, tmp_path, "restore", "latest", "--from", "copies", "--confirm", place
    )
    # the undo copy is there, so the restore is writing
    wait_for(tmp_path / "copies/daily", "*.manifest.json", process, files=2)

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in err
    assert project.rows("select distinct note from ledger") == [("changed",)]
