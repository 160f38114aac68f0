"""How much happens in a table."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class TableActivity:
    """What PostgreSQL's statistics say of a table: its rows, and how many rows were written since the
    statistics began, which is not always known.
    """

    rows: int
    changes: int
    since: dt.datetime | None
