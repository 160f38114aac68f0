"""A run at work: how far it is, and its signs of life."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Lock, Thread

from supakeep.domain.run import Run, RunResult, TableProgress
from supakeep.errors import LeaseHeldError, StorageError
from supakeep.ports import Clock, Deadline, Progress, RunStore
from supakeep.usecases.run_lease import RunLease

log = logging.getLogger(__name__)


class RunProgress:
    """The record of a run at work, which has just taken its lease; also its Progress, its Deadline and
    its Lease.

    Only the thread that works changes `run`. `beat` reads it, from a thread of its own.
    """

    def __init__(
        self,
        store: RunStore,
        clock: Clock,
        run: Run,
        deadline: Deadline,
        watcher: Progress | None = None,
    ) -> None:
        self.run = run
        self._store = store
        self._clock = clock
        self._deadline = deadline
        self._watcher = watcher
        # an older record never overwrites a newer one
        self._writing = Lock()
        self._lease = RunLease(store, clock, run.lease, run.id)

    def name_backup(self, name: str) -> None:
        """Records at once which backup the run is about."""
        with self._writing:
            update = {"backup": name, "heartbeat_at": self._lease.now()}
            self.run = self.run.model_copy(update=update)
            self._store.save(self.run)

    def expect(self, rows: Mapping[str, int]) -> None:
        """Records how many rows each table will probably have."""
        if self._watcher is not None:
            self._watcher.expect(rows)
        self.run = self.run.model_copy(update={"expected_rows": dict(rows)})

    def keep(self, result: RunResult) -> None:
        """Records what there is of the run's result, before an error ends it."""
        self.run = self.run.model_copy(update={"result": result})

    def phase(self, name: str) -> None:
        if self._watcher is not None:
            self._watcher.phase(name)
        self.run = self.run.in_phase(name, self._clock.now())

    def table(self, name: str, rows: int, status: str) -> None:
        if self._watcher is not None:
            self._watcher.table(name, rows, status)
        tables = {**self.run.tables, name: TableProgress(rows=rows, status=status)}
        self.run = self.run.model_copy(update={"tables": tables})

    def check(self) -> None:
        """Raises LeaseHeldError once the lease is lost, else what the deadline raises."""
        self._lease.check()
        self._deadline.check()

    def confirm(self) -> None:
        """Raises LeaseHeldError unless the run still has its lease."""
        self._lease.confirm()

    def beat(self) -> None:
        """Renews the lease and writes the record.

        A store that does not answer ends no run: the lease outlasts many beats. Nor does this end a run
        that lost its lease: the next step of its work does.
        """
        with self._writing:
            try:
                now = self._lease.renew()
                self._store.save(self.run.model_copy(update={"heartbeat_at": now}))
            except LeaseHeldError as exc:
                log.warning("Run %s lost its lease: %s", self.run.id, exc.message)
            except StorageError:
                log.warning("Run %s could not record its progress", self.run.id, exc_info=True)


@contextmanager
def heartbeat(progress: RunProgress, every_seconds: float) -> Iterator[None]:
    """Beats in a thread of its own until the block ends, however long a step of the work takes.

    After the block nothing is being written any more.
    """
    ended = Event()

    def beat() -> None:
        while not ended.wait(every_seconds):
            try:
                progress.beat()
            except Exception:
                # the next beat may go well, and a dead thread would let the lease lapse unseen
                log.exception("A heartbeat of run %s failed", progress.run.id)

    thread = Thread(target=beat, name="supakeep-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
