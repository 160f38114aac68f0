"""Completion as the three shells ask for it: by the variables of their protocol."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from supakeep.domain.manifest import Trigger
from supakeep.domain.run import Run, RunKind, new_run_id
from supakeep.runs.folder import FolderRunStore
from supakeep.stores.folder import FolderObjectStore
from tests.builders.backups import NAME, a_shop, back_up
from tests.builders.manifests import PROJECT
from tests.fakes.time import NOON

pytestmark = pytest.mark.integration

SUPAKEEP = Path(sys.executable).with_name("supakeep")
SHELLS = ("bash", "zsh", "fish")


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    back_up(a_shop(), FolderObjectStore(tmp_path / "copies"))
    return tmp_path


def asked(shell: str, line: str, folder: Path, **settings: str) -> list[str]:
    """What the shell is offered when its user presses Tab at the end of the line."""
    words = line.split()
    variables = {
        "_SUPAKEEP_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) if line.endswith(" ") else len(words) - 1),
    }
    done = subprocess.run(
        [SUPAKEEP], cwd=folder, env={"PATH": os.environ["PATH"], **variables, **settings},
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_are_completed(shell: str, copies: Path) -> None:
    offered = asked(shell, "supakeep ver", copies)

    assert "verify" in "\n".join(offered)
    assert "restore" not in "\n".join(offered)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("command", ["show", "download", "diff latest"])
def test_the_names_of_backups_are_completed(shell: str, command: str, copies: Path) -> None:
    offered = "\n".join(asked(shell, f"supakeep {command} --from copies backup_", copies))

    assert NAME.text in offered
    assert "latest" not in offered


@pytest.mark.parametrize("shell", SHELLS)
def test_the_names_of_tables_are_completed(shell: str, copies: Path) -> None:
    line = "supakeep restore latest --from copies --table public.o"

    assert "public.orders" in "\n".join(asked(shell, line, copies))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("command", ["runs", "undo"])
def test_the_ids_of_runs_are_completed(shell: str, command: str, tmp_path: Path) -> None:
    run = Run(
        id=new_run_id(NOON), kind=RunKind.RESTORE, trigger=Trigger.CLI, requested_at=NOON
    )  # fmt: skip
    FolderRunStore(tmp_path / ".local/state/supakeep/runs" / PROJECT).create(run)
    settings = {
        "HOME": str(tmp_path),
        "NEXT_PUBLIC_SUPABASE_URL": f"https://{PROJECT}.supabase.co",
        "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x",
    }

    offered = asked(shell, f"supakeep {command} 2026", tmp_path, **settings)

    assert run.id in "\n".join(offered)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_place_that_is_not_there_offers_nothing(shell: str, copies: Path) -> None:
    offered = asked(shell, "supakeep show --from nowhere backup_", copies)

    assert NAME.text not in "\n".join(offered)


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_a_script_to_install(shell: str, copies: Path) -> None:
    done = subprocess.run(
        [SUPAKEEP], cwd=copies,
        env={"PATH": os.environ["PATH"], "_SUPAKEEP_COMPLETE": f"source_{shell}"},
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert f"complete_{shell}" in done.stdout
