"""Refused calls, as the audit log records them."""

from __future__ import annotations

import datetime as dt

from supakeep.domain.actor import Actor
from supakeep.errors import ForbiddenError, SupakeepError
from supakeep.usecases.audit_log import STRANGER, AuditLog, begin_of_refusals


class Refusals:
    """Records refused calls. Of those that are recorded already, this execution environment remembers
    enough to ask no store: the first of every ten minutes of each key, and of all strangers.
    """

    def __init__(self) -> None:
        # by the key's name, of which there are few: only a right key is refused under its own name
        self._recorded: dict[str, dt.datetime] = {}

    def record(self, audit_log: AuditLog, path: str, address: str, error: SupakeepError) -> None:
        """A path that somebody made up may hold anything, so it is cut short."""
        key = error.key if isinstance(error, ForbiddenError) else None
        name, begun = key or STRANGER, begin_of_refusals(audit_log.clock.now())
        if self._recorded.get(name) == begun:
            return
        self._recorded[name] = begun
        actor = Actor(name=name, via="the HTTP API", address=address)
        audit_log.refused(actor, key, path[:200], error.message)
