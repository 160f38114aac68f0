"""Records that are only ever added, such as the ledger: each entry names the ones before it, so that none
can go unnoticed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict

from supakeep.domain.project_ref import PROJECT_REF

_KEY = re.compile(
    rf"[a-z]+/(?P<ref>{PROJECT_REF})/(?P<at>\d{{4}}-\d{{2}}-\d{{2}}T\d{{6}}Z)_"
    r"(?P<id>[0-9A-Za-z-]+)\.json",
    re.ASCII,
)
_MOMENT = "%Y-%m-%dT%H%M%SZ"
# the clocks of two machines differ
CLOCK_SKEW = dt.timedelta(minutes=5)


class Recorded(BaseModel):
    """What stands in an entry; a later minor version may record more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Link(Recorded):
    """An entry before: where it lies, and the checksum that it has."""

    key: str
    checksum: str


class ChainedEntry(Recorded):
    """One entry of a project's record.

    `previous` are the entries that no other one named when this one was written: usually one, and
    several after entries that knew nothing of each other.
    """

    folder: ClassVar[str]

    project: str
    recorded_at: AwareDatetime
    previous: tuple[Link, ...] = ()

    @property
    def ending(self) -> str:
        """What tells it apart from the other entries of its second."""
        raise NotImplementedError

    @property
    def key(self) -> str:
        """Where it lies: the keys of a project's entries sort by time."""
        prefix = prefix_of(self.folder, self.project)
        return f"{prefix}{self.recorded_at:{_MOMENT}}_{self.ending}.json"


E = TypeVar("E", bound=ChainedEntry)


@dataclass(frozen=True)
class StoredEntry(Generic[E]):
    """An entry as a store holds it; `key_id` names the key that signed it."""

    key: str
    checksum: str
    entry: E
    key_id: str | None = None

    @property
    def link(self) -> Link:
        return Link(key=self.key, checksum=self.checksum)


def prefix_of(folder: str, project: str | None) -> str:
    """What the keys of a project's entries begin with; those of every project for None."""
    return f"{folder}/{project}/" if project else f"{folder}/"


def recorded_at(key: str) -> dt.datetime | None:
    """When the entry under this key was recorded; None for what is not an entry's key."""
    match = _KEY.fullmatch(key)
    try:
        return dt.datetime.strptime(f"{match['at']}+0000", f"{_MOMENT}%z") if match else None
    except ValueError:
        return None


def is_of_the_future(entry: ChainedEntry, now: dt.datetime) -> bool:
    """Whether it claims a time that has not come."""
    return entry.recorded_at > now + CLOCK_SKEW


def is_older(link: Link, entry: ChainedEntry) -> bool:
    """Whether an entry could have been there when `entry` was written, as far as two clocks agree."""
    at = recorded_at(link.key)
    return link.key != entry.key and at is not None and at <= entry.recorded_at + CLOCK_SKEW


def unnamed(entries: Iterable[StoredEntry[E]]) -> tuple[Link, ...]:
    """The entries that no other one names, by their keys: what the next one has to name."""
    by_key = {stored.key: stored for stored in entries}
    named = {link.key for stored in by_key.values() for link in stored.entry.previous}
    return tuple(by_key[key].link for key in sorted(by_key.keys() - named))
