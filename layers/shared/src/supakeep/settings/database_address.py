"""Where SUPABASE_DB_URL points. No error of this module contains any part of its password."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from supakeep.domain.project_ref import PROJECT_REF
from supakeep.domain.this_machine import is_this_machine
from supakeep.errors import ConfigurationError

_DEFAULT_PORT = "5432"
_SCHEME = re.compile(r"postgres(?:ql)?://")
_BROKEN_PERCENT = r"%(?![0-9A-Fa-f]{2})|%00"
# libpq ends the password at the first @. If the password itself contains one that is not
# percent-encoded, the rest of it becomes part of the host name, and of the error about that host.
_MUST_BE_ENCODED = re.compile(rf"[/?#\[\]@\s\x00-\x1f\x7f]|{_BROKEN_PERCENT}")
_HOST = r"(?:[\w.%-]*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?"
_PLACE = re.compile(rf"{_HOST}(?:,{_HOST})*(?:/[^/?#\s]*)?(?:\?[^?#\s]*)?", re.ASCII)
_DIRECT_HOST = re.compile(rf"db\.(?P<ref>{PROJECT_REF})\.supabase\.(?:co|in|red)")
_POOLER_HOST = re.compile(r"[a-z0-9.-]+\.pooler\.supabase\.(?:com|in|red)")
_POOLER_USER = re.compile(rf"[^.]+\.(?P<ref>{PROJECT_REF})")
# what libpq reads from the environment if the address does not have it
_LIBPQ_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
}

ADDRESS_FORM = (
    "It looks like postgresql://postgres.<project-ref>:<password>@aws-0-<region>.pooler.supabase.com"
    ":5432/postgres."
)


@dataclass(frozen=True)
class DatabaseAddress:
    """`host` is None if libpq connects over a Unix socket. `project_ref` is None if the server is not
    Supabase's own.
    """

    host: str | None
    port: str
    database: str
    project_ref: str | None
    sslmode: str | None

    @classmethod
    def parse(cls, url: str, environment: Mapping[str, str]) -> Self:
        """Reads the address as libpq does. Raises ConfigurationError, which names no part of it."""
        _check_form(url)
        parameters = _libpq_parameters(url)
        for name, variable in _LIBPQ_VARIABLES.items():
            if variable in environment:
                parameters.setdefault(name, environment[variable])
        if "service" in parameters:
            raise _refused("uses a connection service", "Write the host and the database instead.")
        host = parameters.get("hostaddr") or parameters.get("host")
        user = parameters.get("user", "")
        return cls(
            host=None if host is None or host.startswith(("/", "@")) else host,
            port=parameters.get("port") or _DEFAULT_PORT,
            database=parameters.get("dbname") or user,
            project_ref=None if "hostaddr" in parameters else _project_ref(host or "", user),
            sslmode=parameters.get("sslmode"),
        )

    @property
    def is_this_machine(self) -> bool:
        return self.host is None or all(map(is_this_machine, self.host.split(",")))

    def __str__(self) -> str:
        hosts, ports = (self.host or "localhost").split(","), self.port.split(",")
        # one port may stand for all hosts
        ports = ports * len(hosts) if len(ports) == 1 else ports
        servers = itertools.zip_longest(hosts, ports, fillvalue="")
        return f"{','.join(itertools.starmap(_server, servers))}/{self.database}"


def _server(host: str, port: str) -> str:
    return host if port in ("", _DEFAULT_PORT) else f"{host}:{port}"


def _check_form(url: str) -> None:
    scheme = _SCHEME.match(url)
    if scheme is None:
        raise _refused(
            "does not start with postgresql://",
            "Copy it from the dashboard (Connect, Session pooler).",
        )
    before, at, after = url[scheme.end() :].rpartition("@")
    if at and _MUST_BE_ENCODED.search(before):
        raise _refused(
            "has a character in its user or password that must be percent-encoded",
            "Percent-encode the password: @ as %40, # as %23, % as %25, / as %2F, ? as %3F, [ as %5B, "
            "] as %5D. If the address still contains [YOUR-PASSWORD], replace it, with its brackets.",
        )
    if not _PLACE.fullmatch(after) or re.search(_BROKEN_PERCENT, after):
        raise _refused("is not a database address", ADDRESS_FORM)


def _libpq_parameters(url: str) -> dict[str, str]:
    parameters = _parsed_by_libpq(url)
    if parameters is None:
        # not raised while libpq's error is handled: its text may show the password
        raise _refused(
            "has a parameter that the PostgreSQL driver does not know",
            f"Remove parameters of other drivers, such as pgbouncer=true. {ADDRESS_FORM}",
        )
    return {name: str(value) for name, value in parameters.items() if value}


def _parsed_by_libpq(url: str) -> dict[str, Any] | None:
    # imported here, since without an address the driver is not needed
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        return conninfo_to_dict(url)
    except (psycopg.Error, UnicodeDecodeError):
        return None


def _project_ref(host: str, user: str) -> str | None:
    if direct := _DIRECT_HOST.fullmatch(host):
        return direct["ref"]
    pooled = _POOLER_USER.fullmatch(user)
    return pooled["ref"] if pooled and _POOLER_HOST.fullmatch(host) else None


def _refused(what: str, hint: str) -> ConfigurationError:
    return ConfigurationError(
        f"SUPABASE_DB_URL {what}", operation="read settings", key="SUPABASE_DB_URL", hint=hint
    )
