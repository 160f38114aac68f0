"""A PostgreSQL cluster set up as one that has to keep its rows."""

from __future__ import annotations

from pathlib import Path

from local.children import Children, essential_environment
from local.ports import free_port, wait_until
from local.postgres import (
    Postgres,
    accepts_sql,
    bootstrap,
    create_cluster,
    find_binaries,
    unprivileged_user,
    usable_binaries,
)

# fsync, synchronous_commit and full_page_writes stay on, as they are by default. The rest is what a
# small hosted project has, but for autovacuum: it would fall into one contender's run and not into
# the other's, so the benchmark vacuums between the runs.
SETTINGS = {
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    # the benchmark makes its own, so that none falls into one contender's run
    "checkpoint_timeout": "1h",
    "wal_level": "logical",
    "autovacuum": "off",
    "max_connections": "60",
    "timezone": "UTC",
    "unix_socket_directories": "",
}


def start_cluster(children: Children, folder: Path, version: str | None) -> Postgres:
    """Starts a new cluster in `folder`; `version` as `local.postgres.start_postgres` takes it."""
    user, port = unprivileged_user(), free_port()
    binaries = usable_binaries(find_binaries(version), user)
    create_cluster(children, folder, binaries, user)
    folder = folder.resolve()
    settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
    child = children.start(
        "postgres",
        [binaries / "postgres", "-D", folder, "-p", str(port), "-h", "127.0.0.1", *settings],
        environment=essential_environment(),
        folder=folder,
        user=user,
    )
    server = Postgres(port, folder, binaries, child)
    wait_until(lambda: accepts_sql(server), child)
    bootstrap(server)
    return server
