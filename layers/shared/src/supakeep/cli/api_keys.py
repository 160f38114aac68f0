"""What the commands of `supakeep keys` share."""

from __future__ import annotations

import datetime as dt

from supakeep.cli.session import Session
from supakeep.domain.api_key import ApiKey
from supakeep.errors import ConfigurationError
from supakeep.usecases.manage_keys import ManageKeys


def keys_of(session: Session) -> ManageKeys:
    """The keys of the stack's table. Raises ConfigurationError where none is named."""
    settings = session.app.settings
    if settings.runs_table is None:
        raise ConfigurationError(
            "RUNS_TABLE is not set, and keys are recorded in that table",
            operation="read keys",
            key="RUNS_TABLE",
            hint="Set it to the stack's output RunsTableName, with AWS credentials that may read and write "
            "the table.",
        )
    others = (settings.admin_key, settings.cron_secret)
    return ManageKeys(session.app.api_keys, [key.get_secret_value() for key in others if key])


def end_of(last_day: dt.date) -> dt.datetime:
    """When a key ends whose last day (UTC) this is."""
    return dt.datetime.combine(last_day, dt.time(), dt.UTC) + dt.timedelta(days=1)


def as_json(key: ApiKey, now: dt.datetime) -> dict[str, object]:
    """A key as programs get it; the start of its hash tells which one a file holds."""
    return {
        **key.model_dump(mode="json", exclude={"sha256"}),
        "sha256_begins": key.sha256[:8],
        "state": key.state_at(now),
        "expires_soon": key.expires_soon(now),
    }
