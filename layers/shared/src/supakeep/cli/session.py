"""One invocation of the command line, and what is built for it when it is needed."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol, Unpack

from supakeep import wiring
from supakeep.archive.encryption import Identities
from supakeep.archive.signature import Keyring
from supakeep.archive.verified_store import verified
from supakeep.cli.copies import Copies, copies_from
from supakeep.cli.options import SharedOptions
from supakeep.cli.person import this_person
from supakeep.cli.progress import ROWS, Display, Measure, display_for
from supakeep.cli.runs_place import with_runs_folder
from supakeep.cli.terminal import Terminal
from supakeep.domain.assertions import FILE_NAME, Assertion
from supakeep.domain.manifest import Trigger
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.run import Run, RunKind, new_run_id
from supakeep.ports import Clock, ObjectStore
from supakeep.settings import read_policy_text
from supakeep.settings.assertions import existing_file, read_assertions
from supakeep.settings.identity import identities_in, identities_of
from supakeep.settings.signing import keyring_of
from supakeep.system import SystemClock
from supakeep.usecases.audit_log import AuditLog
from supakeep.wiring import Adapters, SupabaseProject, with_secrets

POLICY_FILE = Path("supakeep.toml")


class OpenProject(Protocol):
    """Builds the project that an environment describes; `adapters` take precedence."""

    def __call__(
        self, environment: Mapping[str, str], **adapters: Unpack[Adapters]
    ) -> SupabaseProject: ...


class Session:
    """The shared options of one invocation and the surroundings that it runs in."""

    def __init__(
        self,
        options: SharedOptions,
        terminal: Terminal,
        *,
        environment: Mapping[str, str],
        application: OpenProject | None = None,
        store_at: Callable[[str], ObjectStore] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """None stands for what the settings describe, and for the machine's clock."""
        self.terminal = terminal
        self.environment = environment
        self._store_at = store_at or wiring.store_at
        self._options = options
        self.clock = clock or SystemClock()
        self._application = application or SupabaseProject.from_environment

    @cached_property
    def app(self) -> SupabaseProject:
        environment = with_runs_folder(self.environment)
        if self.policy_file is None:
            return self._application(environment, policy=BackupPolicy.of_every_table())
        return self._application({**environment, "SUPAKEEP_CONFIG": self.policy_file})

    @property
    def named_file(self) -> Path | None:
        """The supakeep.toml that --config or the environment names, whether it is there or not."""
        given = self._options.config or self.environment.get("SUPAKEEP_CONFIG", "").strip()
        return Path(given) if given else None

    @property
    def policy_file(self) -> str | None:
        """The supakeep.toml that applies. None if there is none: the file that is deployed would not
        do, since it names the tables of one project.
        """
        if (named := self.named_file) is not None:
            # as for other programs, /dev/null stands for no file
            return None if str(named) == os.devnull else str(named)
        return str(POLICY_FILE) if POLICY_FILE.is_file() else None

    def show_policy(self) -> None:
        """Prints which policy applies, on standard error."""
        if self.policy_file is None:
            kept = self.app.policy.retention.rules
            self.terminal.note(
                f"Policy: every table of public, kept {kept} (no {POLICY_FILE} here)"
            )
        else:
            self.terminal.note(f"Policy: {self.policy_file}")

    def identities(self, file: str | None) -> Callable[[], Identities]:
        """The private keys in `file` (`-` is standard input), or else those of the environment."""
        if file is not None:
            return partial(identities_in, file)
        return lambda: identities_of(with_secrets(self.environment))

    def assertions(self, file: str | None) -> tuple[Assertion, ...]:
        """What `file` asserts of restored rows, or else the file that the supakeep.toml which applies
        names, or drills.sql beside it.
        """
        if file is not None:
            return read_assertions(existing_file(file))
        policy_file = Path(self.policy_file or POLICY_FILE)
        named = FILE_NAME
        if policy_file.exists():
            policy = BackupPolicy.parse(read_policy_text(policy_file), policy_file.name)
            named = policy.drill.assertions
        return read_assertions(policy_file.with_name(named))

    @property
    def has_identity(self) -> bool:
        """Whether the environment names a private key."""
        names = ("AGE_IDENTITY", "SUPAKEEP_IDENTITY_FILE", "SECRET_ID")
        return any(self.environment.get(name, "").strip() for name in names)

    @cached_property
    def keyring(self) -> Keyring | None:
        """What backups are verified with, also those of a place that needs no project."""
        return keyring_of(with_secrets(self.environment))

    def store_at(self, place: str) -> ObjectStore:
        """The store at a place of --from or --to."""
        return verified(self._store_at(place), self.keyring)

    def copies(self, source: str | None) -> Copies:
        """The copies that --from means."""
        return copies_from(source, lambda: self.app, self.store_at)

    def undo_source(self, copies: Copies) -> str | None:
        """The --from that `undo` needs to find what a restore kept."""
        beside = copies.is_elsewhere and not self.app.has_storage
        return copies.source if beside else None

    def now(self) -> dt.datetime:
        """The present moment, of this machine."""
        return self.clock.now()

    def new_run(self, kind: RunKind) -> Run:
        now = self.app.clock.now()
        return Run(
            id=new_run_id(now),
            kind=kind,
            trigger=Trigger.CLI,
            requested_at=now,
            requested_by=this_person(),
        )

    def record(self, action: str, target: str, detail: str | None = None) -> None:
        """Leaves in the project's audit log what was done here."""
        audit_log = AuditLog.of(self.app)
        if not audit_log.record(this_person(), action, "complete", target=target, detail=detail):
            self.terminal.note("! No store could be reached to record this in the audit log")

    def progress(self, measure: Measure = ROWS) -> Display:
        """Shows the progress of a run until its context ends."""
        return display_for(self.terminal, self._options.progress, measure)
