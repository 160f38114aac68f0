"""The gateway in front of a Supabase project: the keys that it takes, and what it says for itself."""

from __future__ import annotations

import datetime as dt
from email.utils import parsedate_to_datetime

from supakeep.errors import DatabaseUnavailableError
from supakeep.no_answer import no_answer_of

# HTTP statuses by which the gateway refuses every request to a project: what happened, and the fix
RESTRICTED_STATUSES = {
    402: (
        "Supabase restricts this project, because its organization used up a quota",
        (
            "Dashboard, Organization, Usage shows which quota it is. Raise the spend cap, upgrade the "
            "plan or wait for the next billing period."
        ),
    ),
    540: (
        "This project is paused",
        "Resume it in the Supabase dashboard, and run this again a few minutes later.",
    ),
}


def key_headers(key: str) -> dict[str, str]:
    """The headers that authorize a request to the project.

    A key of today (`sb_secret_…`) is not a JWT, and the gateway refuses it as a Bearer token. A
    legacy `service_role` JWT has to stand in both headers.
    """
    headers = {"apikey": key}
    if not key.startswith("sb_"):
        headers["Authorization"] = f"Bearer {key}"
    return headers


def gateway_time(url: str) -> dt.datetime:
    """The present moment, to the second, by the clock of the project's gateway.

    Raises DatabaseUnavailableError where it does not answer, or does not say.
    """
    # only a check asks, and the functions load this module
    import httpx

    try:
        answer = httpx.head(url, timeout=10, follow_redirects=False)
        return parsedate_to_datetime(answer.headers["date"])
    except (httpx.HTTPError, KeyError, ValueError) as exc:
        reason, fix = no_answer_of(exc)
        raise DatabaseUnavailableError(
            f"{url} does not say what time it is: {reason}",
            operation="compare clocks",
            key=url,
            hint=fix or "Try again in a minute.",
        ) from exc
