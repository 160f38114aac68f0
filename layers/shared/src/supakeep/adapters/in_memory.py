"""Runs and the lease in this process alone: for the command line where no table is named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from supakeep.domain.run import Run
from supakeep.errors import LeaseHeldError


class InMemoryRunStore:
    """Forgotten when the process ends, and unknown to any other."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._lease: tuple[str, dt.datetime] | None = None

    def create(self, run: Run) -> bool:
        return self._runs.setdefault(run.id, run) is run

    def save(self, run: Run) -> None:
        self._runs[run.id] = run

    def get(self, run_id: str) -> Run | None:
        return self._runs.get(run_id)

    def list(self, limit: int) -> Sequence[Run]:
        return [self._runs[run_id] for run_id in sorted(self._runs, reverse=True)[:limit]]

    def acquire_lease(self, run_id: str, now: dt.datetime, expires_at: dt.datetime) -> None:
        if self._lease is not None:
            holder, end = self._lease
            if holder != run_id and end > now:
                raise LeaseHeldError(
                    f"Run {holder} is at work on this project",
                    operation="acquire lease",
                    key=holder,
                )
        self._lease = (run_id, expires_at)

    def release_lease(self, run_id: str) -> None:
        if self._lease is not None and self._lease[0] == run_id:
            self._lease = None
