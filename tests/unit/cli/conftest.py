from __future__ import annotations

import dataclasses
import datetime as dt
import io
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, Unpack

import pytest

from supakeep.cli.command import Command
from supakeep.cli.commands import COMMANDS
from supakeep.cli.main import CommandLine
from supakeep.ports import Clock, ObjectStore
from supakeep.wiring import Adapters, SupabaseProject, store_at
from tests.builders.backups import a_shop
from tests.builders.manifests import PROJECT
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON, FixedClock

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


@dataclass
class Surroundings:
    """What stands around a command: adapters in place of those that its settings name, and the
    stores at places of --from and --to.
    """

    adapters: Adapters = field(default_factory=Adapters)
    places: dict[str, ObjectStore] = field(default_factory=dict)
    commands: Sequence[Command] = COMMANDS
    # backups are dated NOON or of late, whatever the machine's own clock says
    clock: Clock = field(default_factory=lambda: FixedClock(max(NOON, dt.datetime.now(dt.UTC))))

    def application(
        self, environment: Mapping[str, str], **adapters: Unpack[Adapters]
    ) -> SupabaseProject:
        adapters.update(Adapters(clock=self.clock, **self.adapters))
        return SupabaseProject.from_environment(environment, **adapters)

    def store_at(self, place: str) -> ObjectStore:
        return self.places.get(place) or store_at(place)

    def line(self, out: TextIO, err: TextIO) -> CommandLine:
        """`supakeep` in these surroundings."""
        return CommandLine(
            commands=self.commands,
            application=self.application,
            store_at=self.store_at,
            clock=self.clock,
            out=out,
            err=err,
        )

    def replace_run(self, name: str, run: Callable[..., int]) -> None:
        """Has the command `name` do something else."""
        self.commands = [
            dataclasses.replace(command, run=run) if command.name == name else command
            for command in self.commands
        ]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(
            (
                "AGE_",
                "AWS_",
                "SUPA",
                "NEXT_PUBLIC_",
                "MIRROR_",
                "BACKUP_",
                "RUNS_",
                "SIGNING_",
                "XDG_",
            )
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("NEXT_PUBLIC_SUPABASE_URL", f"https://{PROJECT}.supabase.co")
    monkeypatch.setenv("SUPABASE_SERVICE_ROLE_KEY", SECRET_KEY)
    (tmp_path / "supakeep.toml").write_text('[backup]\ntables = "*"\n')
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _no_log_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process: pytest's own handlers would keep the command from adding its own."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])


@pytest.fixture
def around() -> Surroundings:
    return Surroundings()


@pytest.fixture
def shop(around: Surroundings) -> InMemoryDatabase:
    """The database that the command line talks to."""
    database = a_shop()
    around.adapters["database"] = database
    return database


@pytest.fixture
def primary(around: Surroundings) -> InMemoryObjectStore:
    """The Storage that the command line talks to."""
    store = InMemoryObjectStore(piece_bytes=4096)
    around.adapters["primary"] = store
    return store


@pytest.fixture
def mirror(around: Surroundings) -> InMemoryObjectStore:
    """The mirror that the command line talks to."""
    store = InMemoryObjectStore("mirror", piece_bytes=4096)
    around.adapters["copies"] = [store]
    return store


@pytest.fixture
def supakeep(around: Surroundings) -> Supakeep:
    """Runs a command as a shell would."""

    def run(*arguments: str) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        code = around.line(out, err).run(arguments)
        return Ended(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def backup_in_copies(shop: InMemoryDatabase, supakeep: Supakeep) -> str:
    """A backup in the folder `copies`; its name."""
    ended = supakeep("backup", "--to", "copies", "--json")
    name: str = ended.json["name"]
    return name
