"""The lease of a run at work: renewed by time, and confirmed before what cannot be taken back."""

from __future__ import annotations

import datetime as dt
import logging
from threading import Lock

from supakeep.domain.lease import LEASE_SECONDS, lease_lapsed
from supakeep.errors import LeaseHeldError, StorageError
from supakeep.ports import Clock, RunStore

log = logging.getLogger(__name__)

# as old may a renewal be for what can be taken back, and for what cannot
_STALE_SECONDS = 5
_FRESH_SECONDS = 1
# a lease that is not renewed is given up this much earlier than another run may take it: clocks differ
_MARGIN_SECONDS = 30


class RunLease:
    """The lease `name` of the run `run_id`, which has just taken it.

    The time is counted on from the moment at which it was taken, however the clock is set meanwhile. A
    lease that was lost is never taken again: what another run wrote since, this one does not know of.
    """

    def __init__(self, store: RunStore, clock: Clock, name: str, run_id: str) -> None:
        self._store = store
        self._clock = clock
        self._name = name
        self._run_id = run_id
        self._taken_at = self._renewed_at = self._tried_at = _Moment.of(clock)
        self._lost: LeaseHeldError | None = None
        self._renewing = Lock()

    def now(self) -> dt.datetime:
        """The present moment."""
        return self._taken_at.wall + dt.timedelta(seconds=self._taken_at.steady_since(self._clock))

    def renew(self) -> dt.datetime:
        """Renews it now, and returns the moment. Raises LeaseHeldError where another run has taken it
        over, and StorageError.
        """
        with self._renewing:
            if self._lost is not None:
                raise self._lost
            self._tried_at = _Moment.of(self._clock)
            now = self.now()
            try:
                self._store.renew_lease(self._name, self._run_id, lease_end(now))
            except LeaseHeldError as exc:
                self._lost = exc
                raise
            self._renewed_at = self._tried_at
            return now

    def check(self) -> None:
        """Raises LeaseHeldError where it is lost, or may be. Asks the store where nobody has renewed the
        lease for some seconds, such as after the machine slept.
        """
        self._require(_STALE_SECONDS)

    def confirm(self) -> None:
        """The same, and asks the store unless it was asked within the last second."""
        self._require(_FRESH_SECONDS)

    def _require(self, most_seconds: float) -> None:
        if self._lost is not None:
            raise self._lost
        if self._tried_at.since(self._clock) > most_seconds:
            try:
                self.renew()
            except StorageError:
                log.warning("Run %s could not renew its lease", self._run_id, exc_info=True)
        if self._renewed_at.since(self._clock) > LEASE_SECONDS - _MARGIN_SECONDS:
            raise lease_lapsed(self._run_id)


class _Moment:
    """A moment by both clocks: the one that is set, and the one that only goes on."""

    def __init__(self, wall: dt.datetime, steady_seconds: float) -> None:
        self.wall = wall
        self._steady_seconds = steady_seconds

    @classmethod
    def of(cls, clock: Clock) -> _Moment:
        return cls(clock.now(), clock.steady_seconds())

    def steady_since(self, clock: Clock) -> float:
        return clock.steady_seconds() - self._steady_seconds

    def since(self, clock: Clock) -> float:
        """Seconds, by the clock that says more: the steady one may stand still in a machine that is
        paused, and the other one may be set back.
        """
        return max(self.steady_since(clock), (clock.now() - self.wall).total_seconds())


def lease_end(now: dt.datetime) -> dt.datetime:
    """When a lease that is taken or renewed `now` ends by itself."""
    return now + dt.timedelta(seconds=LEASE_SECONDS)
