"""A database's address, completed with what a connection needs: TLS, and a sign of life."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo

from supakeep.domain.this_machine import is_this_machine
from supakeep.errors import ConfigurationError

# A NAT gateway or a pooler forgets a connection on which nothing happens for minutes, and a peer
# that is gone sends nothing: without these, a read would wait for ever.
_SIGNS_OF_LIFE = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
_CONNECT_SECONDS = 10
_PEM = "-----BEGIN CERTIFICATE-----"

Parameters = dict[str, Any]


def completed(url: str) -> Parameters:
    """The address as libpq's parameters. What it says itself is obeyed.

    TLS is required for any host but this machine, unless the address (or PGSSLMODE) has an sslmode.
    Raises ConfigurationError, without any part of the address, where it cannot be read.
    """
    parameters: Parameters = {
        "connect_timeout": _CONNECT_SECONDS,
        **_SIGNS_OF_LIFE,
        **_parsed(url),
    }
    if "sslmode" not in _effective(parameters) and not _is_local(parameters):
        parameters["sslmode"] = "require"
    return parameters


def with_authority(url: str, authority: str | None) -> str:
    """The address with the certificate authority that vouches for its server, which is verified.

    `authority` is a file's path or PEM text. An sslmode or sslrootcert in the address is obeyed.
    Raises ConfigurationError where the address or the file cannot be read.
    """
    if authority is None:
        return url
    given = _parsed(url)
    verified = {"sslmode": "verify-full", "sslrootcert": _file_of(authority)}
    return make_conninfo(**{**verified, **given})


def _parsed(url: str) -> Parameters:
    try:
        parameters = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise _unreadable() from None
    # what libpq makes of a password with an @ or a slash in it
    ports = str(parameters.get("port") or "").replace(",", "")
    if "@" in str(parameters.get("host") or "") or not (ports == "" or ports.isdecimal()):
        raise _unreadable()
    return parameters


def _effective(parameters: Parameters) -> Parameters:
    """With what the environment (PGHOST, PGSSLMODE, …) says of the rest."""
    environment = {
        option.keyword.decode(): option.val.decode()
        for option in Conninfo.get_defaults()
        if option.val and option.val != option.compiled
    }
    return environment | parameters


def _is_local(parameters: Parameters) -> bool:
    effective = _effective(parameters)
    if "service" in effective:
        return False
    hosts = str(effective.get("hostaddr") or effective.get("host") or "/").split(",")
    return all(host.startswith("/") or is_this_machine(host) for host in hosts)


@lru_cache
def _file_of(authority: str) -> str:
    """A file that holds the certificate: libpq takes no text."""
    if _PEM not in authority:
        if not Path(authority).is_file():
            raise ConfigurationError(
                "SUPABASE_DB_CA is neither an existing file nor a certificate in PEM form",
                operation="read settings",
                key="SUPABASE_DB_CA",
                hint="Download the certificate in the Supabase dashboard (Database settings, SSL "
                "configuration) and give its path or its text.",
            )
        return authority
    folder = Path(tempfile.mkdtemp(prefix="supakeep-ca-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "ca.pem"
    # an environment file or a JSON secret may hold the line breaks escaped
    file.write_text(authority.replace("\\n", "\n"), encoding="ascii")
    return str(file)


def _unreadable() -> ConfigurationError:
    return ConfigurationError(
        "SUPABASE_DB_URL cannot be read as a PostgreSQL address",
        operation="read settings",
        key="SUPABASE_DB_URL",
        hint="Its form is postgresql://user:password@host:5432/postgres. In the password, write "
        "special characters percent-encoded: @ as %40, / as %2F, : as %3A, # as %23, % as %25.",
    )
