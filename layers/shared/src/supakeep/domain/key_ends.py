"""Keys of the HTTP API that end soon, or have ended: what to say of them, and what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from supakeep.domain.api_key import ApiKey

# long enough to give a program its next key without haste
WARNED_BEFORE = dt.timedelta(days=14)


class KeyEnds(NamedTuple):
    """What was found, as a clause without a full stop, and what to do."""

    message: str
    advice: str


def key_ends(keys: Iterable[ApiKey], now: dt.datetime) -> KeyEnds | None:
    """The key that ends first, or has, and how many more; None where no key is near its end.

    A revoked key counts no more: somebody has dealt with it.
    """
    ending = [key for key in keys if key.revoked_at is None]
    ending = [key for key in ending if key.expires_at - now <= WARNED_BEFORE]
    if not ending:
        return None
    ending.sort(key=lambda key: (key.expires_at, key.name))
    first = ending[0]
    verb = "ends" if now < first.expires_at else "ended"
    message = f"The key {first.name} {verb} on {first.expires_at:%Y-%m-%d %H:%M} UTC"
    return KeyEnds(f"{message}{_more(ending)}", _advice(first))


def _more(ending: Sequence[ApiKey]) -> str:
    others = len(ending) - 1
    if not others:
        return ""
    verb = "has ended or ends" if others == 1 else "have ended or end"
    return f"; {others:,} more {verb} within {WARNED_BEFORE.days} days"


def _advice(key: ApiKey) -> str:
    scopes = " ".join(f"--scope {scope}" for scope in key.scopes)
    return (
        f"Make the next one with `supakeep keys add NAME {scopes}`, give it to whoever uses {key.name}, "
        f"and then `supakeep keys revoke {key.name}`. A key that nobody uses only needs the last step."
    )
