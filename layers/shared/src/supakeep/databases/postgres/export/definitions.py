"""The definitions of a snapshot, as pg_dump writes them."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import closing
from typing import IO

from supakeep.databases.postgres.pg_dump import PgDump, found_program, target_of
from supakeep.domain.managed_schemas import MANAGED_SCHEMAS
from supakeep.errors import ExportError

_PIECE_BYTES = 64 * 1024
# A lock that somebody waits for since the snapshot would only come after our own are given back.
_LOCK_WAIT = "1s"


# with this, pg_dump ends what it writes
_END = b"--\n-- PostgreSQL database dump complete"
_LONGEST_END = 4096


def dumped_definitions(
    url: str, snapshot: str, server_major: int, further: bytes
) -> Generator[bytes, None, None]:
    """SQL that makes everything but the rows, as it was in the exported snapshot; `further` definitions
    stand behind those of pg_dump.

    Raises ExportError where pg_dump is missing, too old, or fails; what came before is then no dump.
    """
    end = b""
    with closing(_dumped(url, snapshot, server_major)) as pieces:
        for piece in pieces:
            end += piece
            if len(end) > _LONGEST_END:
                yield end[:-_LONGEST_END]
                end = end[-_LONGEST_END:]
    objects, mark, rest = end.rpartition(_END)
    yield objects + further + mark + rest


def _dumped(url: str, snapshot: str, server_major: int) -> Generator[bytes, None, None]:
    address, secret = target_of(url)
    program = found_program(server_major)
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603
            _command(program, address, snapshot),
            env=program.environment(os.environ) | secret,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
        )
        try:
            while process.stdout and (piece := process.stdout.read(_PIECE_BYTES)):
                yield piece
            if process.wait():
                raise _failed(said)
        finally:
            _end(process)


def _command(program: PgDump, address: str, snapshot: str) -> list[str]:
    return [
        str(program.file),
        "--schema-only",
        "--no-owner",
        "--no-tablespaces",
        "--no-subscriptions",
        "--no-password",
        f"--snapshot={snapshot}",
        f"--lock-wait-timeout={_LOCK_WAIT}",
        *(f"--exclude-schema={schema}" for schema in MANAGED_SCHEMAS),
        f"--dbname={address}",
    ]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Whoever gives up leaves no process behind."""
    if process.poll() is None:
        process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _failed(said: IO[bytes]) -> ExportError:
    said.seek(0)
    lines = said.read(_PIECE_BYTES).decode(errors="replace").splitlines()
    errors = [line for line in lines if "error: " in line] or lines or ["it says nothing"]
    why = errors[0].removeprefix("pg_dump: ").removeprefix("error: ")
    return ExportError(
        f"The definitions are not in this backup: pg_dump failed ({why})",
        operation="export definitions",
        key="pg_dump",
        hint="The rows are in the backup. Where a permission is missing, grant the role SELECT on the "
        "table; where it waited for a lock, back up again.",
    )
