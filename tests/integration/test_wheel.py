"""What a user installs: the wheel with its own dependencies, in an environment that has nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

import supakeep
from devstack.processes.children import Children
from devstack.supabase.lite import start_supabase_lite
from devstack.supabase.migrations import apply_migrations
from devstack.supabase.postgres import Postgres

# installing may download
pytestmark = [pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "layers/shared/src"
REF = "wheel"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a clean environment in which the wheel is installed."""
    folder = tmp_path_factory.mktemp("clean")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    interpreter = folder / "bin/python"
    options = ["--constraint", str(ROOT / "requirements-dev.txt"), f"{wheel}[cli]"]
    uv: list[str | Path] = [
        Path(sys.executable).with_name("uv"),
        "pip",
        "install",
        "--python",
        interpreter,
        *options,
    ]
    if subprocess.run(uv, check=False, capture_output=True).returncode != 0:
        # only pip reads a company's pip configuration (its index, its certificates)
        subprocess.run([interpreter, "-m", "pip", "install", "--quiet", *options], check=True)
    return interpreter


@pytest.fixture(scope="module")
def engines(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, dict[str, str]]]:
    """The settings of each engine, for one project with a table of ten rows."""
    folder = tmp_path_factory.mktemp("servers")
    (folder / "logs").mkdir()
    with Children(folder / "logs") as children:
        lite = start_supabase_lite(children, folder, postgres.url("supabase_admin"))
        apply_migrations(postgres.url())
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            connection.execute("create table wheels (id int primary key, size numeric)")
            connection.execute("insert into wheels select n, n / 4.0 from generate_series(1, 10) n")
            connection.execute("grant select, insert, update on wheels to service_role")
            yield {
                "rest": {
                    "SUPABASE_URL": lite.url,
                    "SUPABASE_SERVICE_ROLE_KEY": lite.secret_key,
                    "SUPABASE_PROJECT_REF": REF,
                },
                "postgres": {
                    "SUPABASE_DB_URL": postgres.url(),
                    "SUPABASE_PROJECT_REF": REF,
                },
            }
            connection.execute("drop table wheels")


def run(python: Path, folder: Path, environment: Mapping[str, str], *arguments: str) -> str:
    """What `python -m supakeep` prints, for machines."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    ended = subprocess.run(
        [python, "-m", "supakeep", *arguments],
        cwd=folder, env={**kept, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_wheel_has_every_file_of_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("supakeep/")}

    files = (path for path in (SOURCE / "supakeep").rglob("*") if path.is_file())
    there = {path.relative_to(SOURCE).as_posix() for path in files if path.suffix != ".pyc"}
    assert "supakeep/supakeep.toml" in there
    assert packed == there


def test_the_installed_command_says_its_version(python: Path, wheel: Path) -> None:
    command = python.with_name("supakeep")

    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)

    assert said.stdout == f"supakeep {supakeep.__version__}\n"
    assert wheel.name.startswith(f"supakeep-{supakeep.__version__}-")


@pytest.mark.parametrize(("engine", "place"), [("rest", REF), ("postgres", None)])
def test_an_installed_wheel_backs_up_lists_and_restores(
    python: Path,
    engines: dict[str, dict[str, str]],
    postgres: Postgres,
    tmp_path: Path,
    engine: str,
    place: str | None,
) -> None:
    settings = engines[engine]
    confirm = place or f"127.0.0.1:{postgres.port}/postgres"

    made = json.loads(run(python, tmp_path, settings, "backup", "--to", "copies", "--json"))
    listed = json.loads(run(python, tmp_path, settings, "list", "--from", "copies", "--json"))
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("delete from wheels where id > 5")
    where = ("latest", "--from", "copies", "--table", "wheels", "--confirm", confirm, "--json")
    restored = json.loads(run(python, tmp_path, settings, "restore", *where))

    assert made["engine"] == engine
    assert [backup["name"] for backup in listed["backups"]] == [made["name"]]
    assert restored["tables"][0]["inserted"] == 5
    assert restored["tables"][0]["rows_in_database"] == 10
