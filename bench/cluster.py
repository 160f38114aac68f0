"""A PostgreSQL cluster with the settings of one that must not lose rows."""

from __future__ import annotations

from pathlib import Path

from devstack.processes.children import Children
from devstack.supabase.postgres import Postgres, start_postgres

# fsync, synchronous_commit and full_page_writes stay on, as they are by default. The rest is what a
# small hosted project has, except for autovacuum: it would slow down one contender's run and not
# the other's, so the benchmark vacuums between the runs.
SETTINGS = {
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    # the benchmark makes its own, so that none slows down one contender's run
    "checkpoint_timeout": "1h",
    "wal_level": "logical",
    "autovacuum": "off",
    "max_connections": "60",
    "timezone": "UTC",
    "unix_socket_directories": "",
}


def start_cluster(children: Children, folder: Path, version: str | None) -> Postgres:
    """Starts a new cluster in `folder`; `version` as `devstack.supabase.postgres.start_postgres` takes it."""
    return start_postgres(children, folder, version=version, settings=SETTINGS)
