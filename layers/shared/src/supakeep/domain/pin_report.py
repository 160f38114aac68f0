"""What became of a pin in each store."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict

from supakeep.domain.manifest_parts import Problem


class PinnedStore(BaseModel):
    """One store: whether the backup is pinned there now. `absent`: the store does not hold it. With a
    `problem`, the pin is as it was before, or that is not known.
    """

    model_config = ConfigDict(frozen=True)

    store: str
    state: Literal["pinned", "unpinned", "absent", "failed"]
    problem: Problem | None = None


class PinReport(BaseModel):
    """A backup that was pinned, or unpinned, in each store; `until` is the last day of the pin."""

    model_config = ConfigDict(frozen=True)

    backup: str
    until: dt.date | None = None
    stores: tuple[PinnedStore, ...]

    @property
    def is_whole(self) -> bool:
        return all(store.problem is None for store in self.stores)
