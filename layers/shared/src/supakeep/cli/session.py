"""One invocation of the command line, and what is built for it when it is needed."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

from supakeep.archive.reader import BackupReader
from supakeep.cli.progress import ProgressLines
from supakeep.cli.terminal import Terminal
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import Run, RunKind, new_run_id
from supakeep.ports import Clock, ObjectStore
from supakeep.usecases.choose_stores import every_store, stores_named
from supakeep.usecases.find_backups import find_backup
from supakeep.wiring import SupabaseProject

# copies that the settings name; any other source is a place
_COPIES = ("primary", "mirror")


class Session:
    """The arguments of one invocation and the surroundings that it runs in."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        terminal: Terminal,
        *,
        environment: Mapping[str, str],
        application: Callable[[Mapping[str, str]], SupabaseProject],
        store_at: Callable[[str], ObjectStore],
        clock: Clock,
    ) -> None:
        self.arguments = arguments
        self.terminal = terminal
        self.store_at = store_at
        self._clock = clock
        self._environment = environment
        self._application = application

    @cached_property
    def app(self) -> SupabaseProject:
        environment = dict(self._environment)
        if self.arguments.config is not None:
            environment["SUPAKEEP_CONFIG"] = str(self.arguments.config)
        elif "SUPAKEEP_CONFIG" not in environment and Path("supakeep.toml").is_file():
            environment["SUPAKEEP_CONFIG"] = "supakeep.toml"
        return self._application(environment)

    @cached_property
    def stores(self) -> list[ObjectStore]:
        """Where backups are read from: --from, or Storage and then the mirror."""
        source: str | None = getattr(self.arguments, "source", None)
        if source is None:
            return every_store(self.app)
        return stores_named(self.app, source) if source in _COPIES else [self.store_at(source)]

    @property
    def is_elsewhere(self) -> bool:
        """The stores need no Supabase project: it may be gone."""
        source: str | None = getattr(self.arguments, "source", None)
        return source is not None and source not in _COPIES

    @property
    def project(self) -> str | None:
        """Whose backups are meant; None for those of every project in a place of --from."""
        return None if self.is_elsewhere else self.app.ref

    def find_backup(self) -> BackupReader:
        """The backup that the arguments name, and where it is read from."""
        now = self._clock.now()
        return find_backup(self.stores, self.arguments.name, self.project, now=now)

    @property
    def undo_source(self) -> str | None:
        """The --from that `undo` needs to find what a restore kept."""
        beside = self.is_elsewhere and not self.app.has_storage
        return self.arguments.source if beside else None

    def new_run(self, kind: RunKind) -> Run:
        now = self.app.clock.now()
        run_id = new_run_id(now, secrets.token_hex(4))
        return Run(id=run_id, kind=kind, trigger=Trigger.CLI, requested_at=now)

    def progress(self) -> ProgressLines:
        """Shows how far a run is; its context is the time in which it does."""
        return ProgressLines(self.terminal)
