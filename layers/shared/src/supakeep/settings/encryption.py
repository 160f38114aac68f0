"""How connections to the database must be encrypted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from supakeep.errors import ConfigurationError
from supakeep.settings.database_address import DatabaseAddress

_PLAINTEXT = "SUPABASE_DB_ALLOW_PLAINTEXT"
_CA = "SUPABASE_DB_CA"
# libpq's modes in which a connection may be, or become, plain text
_WEAK_MODES = frozenset({"disable", "allow", "prefer"})
_PEM = "-----BEGIN CERTIFICATE-----"


def plaintext_allowed(values: Mapping[str, str]) -> bool:
    """Whether a remote database may be reached without TLS. Raises ConfigurationError for a value
    that is neither true nor false.
    """
    given = values.get(_PLAINTEXT, "false").lower()
    if given not in ("true", "false"):
        raise ConfigurationError(
            f"{_PLAINTEXT} is neither true nor false", operation="read settings", key=_PLAINTEXT
        )
    return given == "true"


def check_encryption(address: DatabaseAddress, *, plaintext_allowed: bool) -> None:
    """Raises ConfigurationError if the address may send data to another machine without encryption."""
    weak = address.sslmode in _WEAK_MODES and not address.is_this_machine
    if weak and not plaintext_allowed:
        raise ConfigurationError(
            f"SUPABASE_DB_URL (or PGSSLMODE) asks for sslmode={address.sslmode}, which may send the "
            f"password and the rows to {address} in plain text",
            operation="read settings",
            key="SUPABASE_DB_URL",
            hint="Use sslmode=require, or leave sslmode out. For a private network without TLS, set "
            f"{_PLAINTEXT}=true.",
        )


def certificate_authority(values: Mapping[str, str]) -> str | None:
    """The path of a PEM file that can be read, or a PEM text itself. Raises ConfigurationError."""
    given = values.get(_CA)
    if given is None or given.startswith(_PEM):
        # line breaks in a JSON secret are easily escaped twice
        return given and given.replace("\\n", "\n")
    try:
        is_certificate = _PEM in Path(given).read_text(encoding="ascii", errors="replace")
    except (OSError, ValueError):
        raise _no_certificate(
            "is neither a certificate (PEM) nor a file that can be read"
        ) from None
    if not is_certificate:
        raise _no_certificate("names a file without a certificate (PEM)")
    return given


def _no_certificate(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{_CA} {what}",
        operation="read settings",
        key=_CA,
        hint="Download it from the dashboard (Database settings, SSL configuration) and name the "
        "file, or put its text into the secret.",
    )


def checked_address(name: str, url: str, values: Mapping[str, str]) -> DatabaseAddress:
    """The address in the variable `name`, which is not the project's own. Raises ConfigurationError,
    which names that variable and shows no part of a password.
    """
    try:
        address = DatabaseAddress.parse(url, values)
        check_encryption(address, plaintext_allowed=plaintext_allowed(values))
    except ConfigurationError as exc:
        message = exc.message.replace("SUPABASE_DB_URL", name)
        raise ConfigurationError(
            message, operation="read settings", key=name, hint=exc.hint
        ) from None
    return address
