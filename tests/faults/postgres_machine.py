"""Where Supakeep runs with the `postgres` engine: a store, a clock, a time limit and a database's address."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from supakeep.databases.postgres.database import PostgresDatabase
from supakeep.domain.manifest import Trigger
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.run import Run, RunKind, new_run_id
from supakeep.errors import DeadlineExceededError
from supakeep.ports import ObjectStore
from supakeep.stores.folder import FolderObjectStore
from supakeep.usecases.find_undo import find_undo
from supakeep.usecases.run_backup import RunBackup
from supakeep.usecases.run_restore import RunRestore
from tests.builders.lambda_events import ServedProject, settings
from tests.builders.manifests import PROJECT
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryDispatcher
from tests.fakes.time import FixedClock
from tests.faults.machine import NIGHT

FORMER = "backup_jewelshot_2026-11-21T030005Z"


class OpenStore(ObjectStore, Protocol):
    """A store of which a test sees and sets what it holds."""

    @property
    def objects(self) -> dict[str, bytes]: ...

    def place(self, key: str, content: bytes) -> None: ...


class OpenFolder(FolderObjectStore):
    """A folder, which a process of its own can use too."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._files = folder

    @property
    def objects(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self._files)): path.read_bytes()
            for path in self._files.rglob("*")
            if path.is_file()
        }

    def place(self, key: str, content: bytes) -> None:
        path = self._files / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@dataclass
class Alarm:
    """A deadline that a test reaches."""

    is_reached: bool = False

    def check(self) -> None:
        if self.is_reached:
            raise DeadlineExceededError(
                "The time is up", operation="check deadline", hint="Give it more."
            )

    def seconds_left(self) -> None:
        """Nobody knows when the test reaches it."""


@dataclass
class PostgresMachine:
    """`url` is the database's; `restored` is the run that an undo takes back."""

    url: str
    store: OpenStore = field(default_factory=lambda: InMemoryObjectStore(piece_bytes=4096))
    clock: FixedClock = field(default_factory=lambda: FixedClock(NIGHT))
    deadline: Alarm = field(default_factory=Alarm)
    restored: str | None = None

    def served(self) -> ServedProject:
        return ServedProject(
            settings=settings(),
            database=PostgresDatabase(self.url),
            primary=self.store,
            mirror=None,
            dispatcher=InMemoryDispatcher(),
            clock=self.clock,
        )

    def back_up(self) -> Run:
        return RunBackup(self.served(), self.deadline)(self._run(RunKind.BACKUP))

    def restore(self, mode: RestoreMode = RestoreMode.MERGE) -> Run:
        return self._restore(FORMER, mode)

    def undo(self) -> Run:
        """Brings back what there was before the restore."""
        assert self.restored is not None
        manifest = find_undo([self.store], self.restored, PROJECT)
        return self._restore(manifest.backup, RestoreMode.REPLACE)

    def _restore(self, name: str, mode: RestoreMode) -> Run:
        request = RestoreRequest(name=name, confirm=PROJECT, mode=mode)
        return RunRestore(self.served(), self.deadline)(self._run(RunKind.RESTORE), request)

    def _run(self, kind: RunKind) -> Run:
        now = self.clock.now()
        return Run(id=new_run_id(now), kind=kind, trigger=Trigger.API, requested_at=now)
