"""Runs and leases only in this process: for the command line where no table is named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from threading import Lock

from supakeep.domain.lease import lease_held, lease_lost
from supakeep.domain.run import Run, RunStatus


class InMemoryRunStore:
    """Forgotten when the process ends, and unknown to any other."""

    def __init__(self) -> None:
        self._replacing = Lock()
        self._runs: dict[str, Run] = {}
        self._leases: dict[str, tuple[str, dt.datetime]] = {}

    def create(self, run: Run) -> bool:
        return self._runs.setdefault(run.id, run) is run

    def save(self, run: Run) -> None:
        self._runs[run.id] = run

    def replace(self, run: Run, status: RunStatus) -> bool:
        with self._replacing:
            stored = self.get(run.id)
            if stored is None or stored.status is not status:
                return stored == run
            self.save(run)
            return True

    def get(self, run_id: str) -> Run | None:
        return self._runs.get(run_id)

    def list(self, limit: int, before: str | None = None) -> Sequence[Run]:
        ids = [run_id for run_id in self._runs if before is None or run_id < before]
        return [self._runs[run_id] for run_id in sorted(ids, reverse=True)[:limit]]

    def acquire_lease(
        self, lease: str, run_id: str, now: dt.datetime, expires_at: dt.datetime
    ) -> None:
        holder, end = self._leases.get(lease, (run_id, expires_at))
        if holder != run_id and end > now:
            raise lease_held(holder)
        self._leases[lease] = (run_id, expires_at)

    def renew_lease(self, lease: str, run_id: str, expires_at: dt.datetime) -> None:
        holder, _ = self._leases.get(lease, (None, None))
        if holder != run_id:
            raise lease_lost(holder)
        self._leases[lease] = (run_id, expires_at)

    def release_lease(self, lease: str, run_id: str) -> None:
        if self._leases.get(lease, ("", None))[0] == run_id:
            del self._leases[lease]
