"""Progress, dispatch and run records that a test can look at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from supakeep.domain.run import Run
from supakeep.errors import StorageUnavailableError, SupakeepError
from supakeep.ports import RunStore


@dataclass
class InMemoryProgress:
    """Keeps the last word on each table, rows and status, and the phases in their order."""

    tables: dict[str, tuple[int, str]] = field(default_factory=dict)
    phases: list[str] = field(default_factory=list)

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def table(self, name: str, rows: int, status: str) -> None:
        self.tables[name] = (rows, status)


@dataclass
class InMemoryDispatcher:
    """Keeps what was handed over; with `error`, hands nothing over and raises it."""

    handed_over: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    error: SupakeepError | None = None

    def dispatch(
        self, action: Literal["backup", "restore", "prune"], payload: dict[str, Any]
    ) -> None:
        if self.error is not None:
            raise self.error
        self.handed_over.append((action, payload))


class FailingRunStore:
    """Fails `save` from its `nth` call on; all else passes through."""

    def __init__(self, store: RunStore, *, nth: int = 1) -> None:
        self._store = store
        self._left = nth - 1

    def create(self, run: Run) -> bool:
        return self._store.create(run)

    def save(self, run: Run) -> None:
        if self._left == 0:
            raise StorageUnavailableError("The table did not answer", operation="save run")
        self._left -= 1
        self._store.save(run)

    def get(self, run_id: str) -> Run | None:
        return self._store.get(run_id)

    def list(self, limit: int) -> Sequence[Run]:
        return self._store.list(limit)

    def acquire_lease(
        self, lease: str, run_id: str, now: dt.datetime, expires_at: dt.datetime
    ) -> None:
        self._store.acquire_lease(lease, run_id, now, expires_at)

    def release_lease(self, lease: str, run_id: str) -> None:
        self._store.release_lease(lease, run_id)
