"""A project's ref: what Supabase calls it in addresses, and what its backups are named by."""

from __future__ import annotations

import re

from supakeep.errors import ConfigurationError

PROJECT_REF = r"[a-z0-9][a-z0-9-]{0,62}"
_HOSTED_URL = re.compile(rf"https://(?P<ref>{PROJECT_REF})\.supabase\.(?:co|in|red)/?")


def hosted_project_ref(url: str) -> str | None:
    """`abcd` for `https://abcd.supabase.co`; None for a custom domain or a local stack."""
    match = _HOSTED_URL.fullmatch(url.strip())
    return match["ref"] if match else None


def validated_project_ref(ref: str) -> str:
    """`ref` itself, if it can be part of an object's name; ConfigurationError otherwise."""
    if not re.fullmatch(PROJECT_REF, ref):
        raise ConfigurationError(
            f"{ref!r} is not a project ref",
            operation="read settings",
            key="SUPABASE_PROJECT_REF",
            hint="Use lower-case letters, digits and hyphens, as in the project's URL.",
        )
    return ref
