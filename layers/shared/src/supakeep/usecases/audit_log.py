"""Write what was done, and by whom, into the audit log of each store that holds the backups."""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from supakeep import __version__
from supakeep.archive.audit_log import AUDIT_LOG
from supakeep.archive.signature import Keyring
from supakeep.domain.actor import Actor
from supakeep.domain.audit_log import AuditEntry, actor_of, detail_of
from supakeep.domain.run import Run
from supakeep.errors import SupakeepError
from supakeep.ports import Clock, ObjectStore
from supakeep.usecases.append_entry import AppendEntry
from supakeep.usecases.choose_stores import every_store
from supakeep.usecases.patient_store import PatientObjectStore
from supakeep.usecases.project import Project

log = logging.getLogger(__name__)

# each entry costs so many reads in each store; as many calls at one moment may go unnamed
_NEWEST = 10
# a store that hangs must hold up neither the end of a run nor the entry in the other store
_PATIENCE_SECONDS = 5.0
# so many refused calls a key, and so many of strangers, are recorded: one
REFUSALS_EVERY = dt.timedelta(minutes=10)
STRANGER = "stranger"


@dataclass(frozen=True)
class AuditLog:
    """The audit log of one project. What cannot be recorded is logged, and stops nothing: a restore must
    not depend on the store that is gone.
    """

    project: str
    stores: Callable[[], Sequence[ObjectStore]]
    keyring: Keyring | None
    clock: Clock

    @classmethod
    def of(
        cls, project: Project, stores: Callable[[], Sequence[ObjectStore]] | None = None
    ) -> Self:
        """Without `stores`, in all of the project's."""
        return cls(
            project.ref, stores or (lambda: every_store(project)), project.keyring, project.clock
        )

    def record(
        self,
        actor: Actor,
        action: str,
        outcome: str,
        *,
        target: str | None = None,
        run: str | None = None,
        detail: str | None = None,
    ) -> bool:
        """False where no store has the entry."""
        now = self.clock.now()

        def write(append: AppendEntry[AuditEntry], stores: int) -> bool:
            entry = AuditEntry(
                project=self.project,
                recorded_at=now.replace(microsecond=0),
                previous=append.previous(self.project, now, _NEWEST),
                id=f"{now:%f}-{action}-{secrets.token_hex(4)}",
                at=now,
                tool_version=__version__,
                actor=actor,
                action=action,
                outcome=outcome,
                target=target,
                run=run,
                detail=detail,
            )
            return len(append(entry)) < stores

        return self._tolerated(write, f"{action} by {actor.name}: {outcome}")

    def started(self, run: Run) -> bool:
        return self.record(actor_of(run), run.kind, "started", target=run.backup, run=run.id)

    def ended(self, run: Run) -> bool:
        return self.record(
            actor_of(run),
            run.kind,
            run.status,
            target=run.backup,
            run=run.id,
            detail=detail_of(run.result),
        )

    def refused(self, actor: Actor, key: str | None, path: str, why: str) -> bool:
        """Records a refused call, the first of every ten minutes of each key, and of all strangers: their
        entries have names that are taken then. `key` is None for a stranger.
        """
        now = self.clock.now()
        begun = begin_of_refusals(now)

        def write(append: AppendEntry[AuditEntry], _: int) -> bool:
            entry = AuditEntry(
                project=self.project,
                recorded_at=begun,
                previous=append.previous(self.project, begun, _NEWEST),
                id=f"refused-{key or STRANGER}",
                at=now,
                tool_version=__version__,
                actor=actor,
                action="call",
                outcome="refused",
                target=path,
                detail=why,
            )
            return append.once(entry)

        return self._tolerated(write, f"refused call of {actor.name}")

    def _tolerated(self, write: Callable[[AppendEntry[AuditEntry], int], bool], what: str) -> bool:
        try:
            stores = [PatientObjectStore(store, _PATIENCE_SECONDS) for store in self.stores()]
            return write(AppendEntry(AUDIT_LOG, stores, self.keyring), len(stores))
        except (SupakeepError, OSError):
            log.exception("The audit log lacks an entry: %s", what)
            return False


def begin_of_refusals(now: dt.datetime) -> dt.datetime:
    """The beginning of the ten minutes in which one refused call of each key is recorded."""
    seconds = int(now.timestamp())
    return dt.datetime.fromtimestamp(seconds - seconds % REFUSALS_EVERY.seconds, dt.UTC)
