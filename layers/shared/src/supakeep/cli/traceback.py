"""Where an error came up, for --debug."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import TextIO
from urllib.parse import unquote, urlsplit

# settings whose value no output may show
_SECRETS = (
    "SUPABASE_SERVICE_ROLE_KEY",
    "ADMIN_KEY",
    "CRON_SECRET",
    "AWS_SECRET_ACCESS_KEY",
    "PGPASSWORD",
)


def print_traceback(error: BaseException, out: TextIO, environment: Mapping[str, str]) -> None:
    """Prints the traceback, with each secret of the environment replaced by `***`."""
    text = "".join(traceback.format_exception(error))
    for secret in _secrets_of(environment):
        text = text.replace(secret, "***")
    print(text, end="", file=out)


def _secrets_of(environment: Mapping[str, str]) -> list[str]:
    values = [environment.get(name, "").strip() for name in _SECRETS]
    address = environment.get("SUPABASE_DB_URL", "")
    try:
        password = urlsplit(address).password or ""
    except ValueError:
        password = ""
    # the longest first, since one may be a part of another
    return sorted({*values, address, password, unquote(password)} - {""}, key=len, reverse=True)
