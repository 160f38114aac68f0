"""A PostgreSQL server of one drill: no port, no superuser outside, nothing kept."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

from supakeep.databases.embedded.folder import DATA, drill_folder, free_in_folder
from supakeep.databases.embedded.programs import Programs, environment_of, find_programs
from supakeep.databases.postgres.assertions import READER
from supakeep.databases.postgres.rebuild.stand_ins import ROLES
from supakeep.databases.postgres.scratch import PostgresScratch, open_scratch
from supakeep.errors import MachineError

_SUPERUSER = "supakeep"
# Who runs what a backup brings: its functions may do here no more than they may in a Supabase project, where the
# owner has this name. They must never read files or start programs beside the function's secrets.
_OWNER = "postgres"
_PREPARE = f"""
create role {_OWNER} login createrole bypassrls;
alter database postgres owner to {_OWNER};
{"".join(f"create role {role} nologin; grant {role} to {_OWNER};" for role in ROLES)}
"""
_LOG = "server.log"
_START_SECONDS = 60
_STOP_SECONDS = 20
_BETWEEN_TRIES_SECONDS = 0.05
# the programs' files where they are copied, the empty database's, and max_wal_size with what exceeds it
_OWN_FILES_BYTES = 200_000_000
# Lambda has no usable /dev/shm. Nothing here has to survive a crash, so nothing waits for a disk.
_SETTINGS = {
    "shared_memory_type": "mmap",
    "dynamic_shared_memory_type": "mmap",
    "shared_buffers": "32MB",
    "maintenance_work_mem": "32MB",
    "max_connections": "12",
    "max_worker_processes": "0",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "64MB",
    "min_wal_size": "32MB",
    "autovacuum": "off",
    "io_method": "sync",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "listen_addresses": "",
}


class EmbeddedPostgres:
    """A ScratchServer that starts a server of its own, in a temporary folder, for each drill."""

    place = "embedded PostgreSQL"

    def room(self) -> int:
        """What is free in the temporary folder, less the server's own files and its log of changes."""
        return max(0, free_in_folder() - _OWN_FILES_BYTES)

    @contextmanager
    def open(self) -> Iterator[PostgresScratch]:
        with drill_folder() as folder:
            programs = find_programs(folder)
            _create_cluster(programs, folder)
            address, readers_address = _address(folder), _address(folder, READER)
            with _running(programs, folder):
                with psycopg.connect(_address(folder, _SUPERUSER), autocommit=True) as superuser:
                    superuser.execute(_PREPARE)
                with open_scratch(address, readers_address) as scratch:
                    yield scratch


def _address(folder: Path, role: str = _OWNER) -> str:
    return f"postgresql://{role}@/postgres?host={quote(str(folder))}"


def _create_cluster(programs: Programs, folder: Path) -> None:
    if programs.user is not None:
        os.chown(folder, programs.user, -1)
    command: list[str | Path] = [
        programs.initdb, "-D", folder / DATA, f"--username={_SUPERUSER}", "--auth=trust",
        "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
        "--no-sync", "--no-instructions", "--set=shared_memory_type=mmap",
        "--set=dynamic_shared_memory_type=mmap",
    ]  # fmt: skip
    made = subprocess.run(  # noqa: S603 (no part of it is from outside)
        command, capture_output=True, text=True, check=False, cwd="/",
        env=environment_of(os.environ), **programs.as_user(),
    )  # fmt: skip
    if made.returncode:
        raise _cannot_start(made.stderr or made.stdout)


@contextmanager
def _running(programs: Programs, folder: Path) -> Iterator[None]:
    options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
    with (folder / _LOG).open("wb") as log:
        server = subprocess.Popen(  # noqa: S603
            [programs.server, "-D", folder / DATA, f"--unix_socket_directories={folder}", *options],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/", start_new_session=True,
            env=environment_of(os.environ), **programs.as_user(),
        )  # fmt: skip
    try:
        _wait_until_it_answers(server, folder)
        yield
    finally:
        _stop(server)


def _wait_until_it_answers(server: subprocess.Popen[bytes], folder: Path) -> None:
    give_up_at = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(_address(folder, _SUPERUSER), connect_timeout=2).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > give_up_at:
                raise _cannot_start((folder / _LOG).read_text(errors="replace")) from None
            time.sleep(_BETWEEN_TRIES_SECONDS)
        else:
            return


def _stop(server: subprocess.Popen[bytes]) -> None:
    """At once: the files are thrown away."""
    server.send_signal(signal.SIGQUIT)
    try:
        server.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _cannot_start(output: str) -> MachineError:
    last_lines = " ".join(output.split()[-60:])
    return MachineError(
        f"The embedded PostgreSQL did not start: {last_lines}",
        operation="drill",
        hint="The temporary folder needs about 60 MB, and room for the rows.",
    )
