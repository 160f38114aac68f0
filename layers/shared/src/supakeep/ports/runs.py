"""Runs, their leases, and the work that is handed over to another invocation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Protocol

from supakeep.domain.run import Run, RunStatus


class RunStore(Protocol):
    """Runs, and the lease that keeps two of one project apart.

    A lease has a name and belongs to a run's ID: asking again under the same ID renews it. An
    expired lease is free.
    """

    def create(self, run: Run) -> bool:
        """Stores a new run; False, and nothing stored, where its ID is taken."""
        ...

    def save(self, run: Run) -> None: ...

    def replace(self, run: Run, status: RunStatus) -> bool:
        """Saves the run where its record still has this status; False, and nothing saved, otherwise.

        True where the record is the run already: who asks again, since an answer was lost, learns that
        it is done.
        """
        ...

    def get(self, run_id: str) -> Run | None: ...

    def list(self, limit: int, before: str | None = None) -> Sequence[Run]:
        """The newest runs, newest first; with `before`, only those of lower IDs."""
        ...

    def acquire_lease(
        self, lease: str, run_id: str, now: dt.datetime, expires_at: dt.datetime
    ) -> None:
        """Raises LeaseHeldError where another run holds it, naming that run."""
        ...

    def renew_lease(self, lease: str, run_id: str, expires_at: dt.datetime) -> None:
        """Raises LeaseHeldError where another run has taken it since, even if it gave it back, and where
        nobody has it.
        """
        ...

    def release_lease(self, lease: str, run_id: str) -> None:
        """Does nothing where the lease is not this run's."""
        ...


class Lease(Protocol):
    """The lease of a run at work."""

    def confirm(self) -> None:
        """Asked before what cannot be taken back: raises LeaseHeldError unless the run still has it."""
        ...


class Dispatcher(Protocol):
    """Starts work that goes on after the answer was given."""

    def dispatch(self, action: str, payload: dict[str, Any]) -> None:
        """Hands `payload` over to the function for `action`, the kind of a run; returns when it is
        accepted. Raises ConfigurationError where no function carries that out.
        """
        ...
