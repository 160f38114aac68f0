"""Keep prunes away for a moment, without a run of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from supakeep.domain.run import RunKind, new_run_id
from supakeep.usecases.project import Project
from supakeep.usecases.run_lease import lease_end


@contextmanager
def without_prunes(project: Project) -> Iterator[None]:
    """Holds the lease of prunes. Raises LeaseHeldError where a prune is at work: it has decided what it
    removes, and does not see a pin that is written now.
    """
    now, lease = project.clock.now(), RunKind.PRUNE.value
    holder = new_run_id(now)
    project.run_store.acquire_lease(lease, holder, now, lease_end(now))
    try:
        yield
    finally:
        project.run_store.release_lease(lease, holder)
