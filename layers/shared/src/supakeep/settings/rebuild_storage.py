"""Whose Storage `supakeep rebuild` brings files back to: REBUILD_SUPABASE_URL."""

from __future__ import annotations

from collections.abc import Mapping

from supakeep.errors import ConfigurationError
from supakeep.settings.project import check_url

_URL, _KEY = "REBUILD_SUPABASE_URL", "REBUILD_SERVICE_ROLE_KEY"


def rebuild_storage(values: Mapping[str, str]) -> tuple[str, str] | None:
    """The new project's URL and secret key; None where neither is set. Raises ConfigurationError."""
    url, key = (values.get(name, "").strip() for name in (_URL, _KEY))
    if not url and not key:
        return None
    if not url or not key:
        given, missing = (_URL, _KEY) if url else (_KEY, _URL)
        raise ConfigurationError(
            f"{given} is set, and {missing} is not",
            operation="read settings",
            key=missing,
            hint="Set both, to bring files back too, or neither. Both are the new project's.",
        )
    check_url(url, _URL)
    return url, key
