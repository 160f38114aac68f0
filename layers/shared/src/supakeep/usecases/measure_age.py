"""Measure how old the newest good backup is, for the alarm that waits for it."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence

from supakeep.errors import StorageError
from supakeep.ports import ObjectStore
from supakeep.usecases.newest_good import newest_good

log = logging.getLogger(__name__)


def newest_good_at(
    stores: Sequence[ObjectStore], project: str, now: dt.datetime
) -> dt.datetime | None:
    """When the newest good backup of the project began, in whichever store; None where there is none.
    Raises StorageError where no store answers.
    """
    moments: list[dt.datetime] = []
    failures: list[StorageError] = []
    for store in stores:
        try:
            newest = newest_good(store, project, now=now)
        except StorageError as exc:
            log.warning(
                "%s could not be asked for the newest good backup", store.name, exc_info=True
            )
            failures.append(exc)
        else:
            moments += [newest.started_at] if newest is not None else []
    if failures and len(failures) == len(stores):
        raise failures[0]
    return max(moments, default=None)
