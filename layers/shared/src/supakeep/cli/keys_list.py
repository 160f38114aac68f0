"""`supakeep keys list`."""

from __future__ import annotations

import datetime as dt

from supakeep.cli.api_keys import as_json, keys_of
from supakeep.cli.command import GOOD
from supakeep.cli.session import Session
from supakeep.domain.api_key import ApiKey

_HEAD = ("NAME", "STATE", "SCOPES", "MADE (UTC)", "UNTIL (UTC)", "SHA-256")


def run(session: Session) -> int:
    """Every key that there ever was, by name; none can be shown itself."""
    keys, now = keys_of(session).list_all(), session.now()
    if session.terminal.as_json:
        session.terminal.json({"keys": [as_json(key, now) for key in keys]})
    elif keys:
        session.terminal.columns(_HEAD, [_cells(key, now) for key in keys])
    else:
        session.terminal.line(
            "No keys besides ADMIN_KEY and CRON_SECRET. `supakeep keys add` makes one."
        )
    return GOOD


def _cells(key: ApiKey, now: dt.datetime) -> tuple[str, ...]:
    end = key.revoked_at or key.expires_at
    state = "ends soon" if key.expires_soon(now) else key.state_at(now)
    return (
        *(key.name, state, ", ".join(key.scopes)),
        *(f"{key.created_at:%Y-%m-%d %H:%M}", f"{end:%Y-%m-%d %H:%M}", f"{key.sha256[:8]}…"),
    )
