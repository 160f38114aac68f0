from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from supakeep.cli.main import main
from supakeep.wiring import Application
from tests.builders.backups import a_shop
from tests.builders.manifests import PROJECT
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore

SECRET_KEY = "sb_secret_of_the_project"


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Supakeep = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "SUPA", "NEXT_PUBLIC_", "MIRROR_", "BACKUP_", "RUNS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NEXT_PUBLIC_SUPABASE_URL", f"https://{PROJECT}.supabase.co")
    monkeypatch.setenv("SUPABASE_SERVICE_ROLE_KEY", SECRET_KEY)
    (tmp_path / "supakeep.toml").write_text('[backup]\ntables = "*"\n')
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command line sets up logging for its process: here, for one test."""
    loggers = [logging.getLogger(), logging.getLogger("supakeep")]
    levels = [logger.level for logger in loggers]
    monkeypatch.setattr(loggers[0], "handlers", [])
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> InMemoryDatabase:
    """The database that the command line talks to."""
    database = a_shop()
    monkeypatch.setattr(Application, "database", database)
    return database


@pytest.fixture
def primary(monkeypatch: pytest.MonkeyPatch) -> InMemoryObjectStore:
    """The Storage that the command line talks to."""
    store = InMemoryObjectStore(piece_bytes=4096)
    monkeypatch.setattr(Application, "primary", store)
    return store


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> InMemoryObjectStore:
    """The mirror that the command line talks to."""
    store = InMemoryObjectStore("mirror", piece_bytes=4096)
    monkeypatch.setattr(Application, "mirror", store)
    return store


@pytest.fixture
def supakeep(capsys: pytest.CaptureFixture[str]) -> Supakeep:
    """Runs a command as a shell would."""

    def run(*arguments: str) -> Ended:
        code = main(arguments)
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return run


@pytest.fixture
def backup_in_copies(shop: InMemoryDatabase, supakeep: Supakeep) -> str:
    """A backup in the folder `copies`; its name."""
    ended = supakeep("backup", "--to", "copies", "--json")
    name: str = ended.json["name"]
    return name
