"""Where an error came up, for --debug."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from typing import TextIO
from urllib.parse import unquote, urlsplit

from supakeep.domain.copy_policy import VARIABLE_PREFIX

# settings whose value no output may show
_SECRETS = (
    "SUPABASE_SERVICE_ROLE_KEY",
    "ADMIN_KEY",
    "CRON_SECRET",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "PGPASSWORD",
    "SIGNING_KEY",
    "SIGNING_KEYS_OLD",
    "AGE_IDENTITY",
    "WEBHOOK_URL",
    "WEBHOOK_SECRET",
    "PING_URL",
)


def print_traceback(error: BaseException, out: TextIO, environment: Mapping[str, str]) -> None:
    """Prints the traceback, with each secret of the environment replaced by `***`."""
    text = "".join(traceback.format_exception(error))
    for secret in _secrets_of(environment):
        text = text.replace(secret, "***")
    print(text, end="", file=out)


def _secrets_of(environment: Mapping[str, str]) -> list[str]:
    texts = [environment.get(name, "") for name in _SECRETS]
    texts += [text for name, text in environment.items() if name.startswith(VARIABLE_PREFIX)]
    # several keys stand in one variable, with commas or on lines of their own
    values = [part.strip() for text in texts for part in (text, *re.split(r"[,\n]", text))]
    address = environment.get("SUPABASE_DB_URL", "")
    try:
        password = urlsplit(address).password or ""
    except ValueError:
        password = ""
    # the longest first, since one may be a part of another
    return sorted({*values, address, password, unquote(password)} - {""}, key=len, reverse=True)
