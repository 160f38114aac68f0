"""One invocation of the command line, and what is built for it when it is needed."""

from __future__ import annotations

import argparse
import datetime as dt
import secrets
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Protocol, Unpack

from supakeep.archive.reader import BackupReader
from supakeep.cli.progress import ProgressLines
from supakeep.cli.terminal import Terminal
from supakeep.domain.manifest import Trigger
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.run import Run, RunKind, new_run_id
from supakeep.ports import Clock, ObjectStore
from supakeep.usecases.choose_stores import every_store, stores_named
from supakeep.usecases.find_backups import find_backup
from supakeep.wiring import Adapters, SupabaseProject

_POLICY_FILE = Path("supakeep.toml")
# copies that the settings name; any other source is a place
_COPIES = ("primary", "mirror")


class OpenProject(Protocol):
    """Builds the project that an environment describes; `adapters` take precedence."""

    def __call__(
        self, environment: Mapping[str, str], **adapters: Unpack[Adapters]
    ) -> SupabaseProject: ...


class Session:
    """The arguments of one invocation and the surroundings that it runs in."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        terminal: Terminal,
        *,
        environment: Mapping[str, str],
        application: OpenProject,
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
        if self._policy_file is None:
            return self._application(self._environment, policy=BackupPolicy.of_every_table())
        environment = {**self._environment, "SUPAKEEP_CONFIG": self._policy_file}
        return self._application(environment)

    @property
    def _policy_file(self) -> str | None:
        """The supakeep.toml that applies. None if there is none: the file that is deployed would not
        do, since it names the tables of one project.
        """
        if self.arguments.config is not None:
            return str(self.arguments.config)
        if given := self._environment.get("SUPAKEEP_CONFIG", "").strip():
            return given
        return str(_POLICY_FILE) if _POLICY_FILE.is_file() else None

    def show_policy(self) -> None:
        """Prints which policy applies, on standard error."""
        if self._policy_file is None:
            days = self.app.policy.retention.keep_within_days
            self.terminal.note(
                f"Policy: every table of public, kept for {days} days (no {_POLICY_FILE} here)"
            )
        else:
            self.terminal.note(f"Policy: {self._policy_file}")

    @cached_property
    def stores(self) -> list[ObjectStore]:
        """Where backups are read from: --from, or Storage and then the mirror."""
        source: str | None = getattr(self.arguments, "source", None)
        if source is None:
            return every_store(self.app)
        return stores_named(self.app, source) if source in _COPIES else [self.store_at(source)]

    @property
    def is_elsewhere(self) -> bool:
        """Whether --from names a place that needs no Supabase project: the project may be gone."""
        source: str | None = getattr(self.arguments, "source", None)
        return source is not None and source not in _COPIES

    @property
    def project(self) -> str | None:
        """The project whose backups are meant. None for a place of --from, where all of them are."""
        return None if self.is_elsewhere else self.app.ref

    def find_backup(self) -> BackupReader:
        """The backup that the arguments name, and where it is read from."""
        return find_backup(self.stores, self.arguments.name, self.project, now=self.now())

    @property
    def undo_source(self) -> str | None:
        """The --from that `undo` needs to find what a restore kept."""
        beside = self.is_elsewhere and not self.app.has_storage
        return self.arguments.source if beside else None

    def now(self) -> dt.datetime:
        """The present moment, of this machine."""
        return self._clock.now()

    def new_run(self, kind: RunKind) -> Run:
        now = self.app.clock.now()
        run_id = new_run_id(now, secrets.token_hex(4))
        return Run(id=run_id, kind=kind, trigger=Trigger.CLI, requested_at=now)

    def progress(self) -> ProgressLines:
        """Shows the progress of a run until its context ends."""
        return ProgressLines(self.terminal)
