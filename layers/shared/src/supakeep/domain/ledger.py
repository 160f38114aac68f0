"""The ledger: an entry for each drill, which names the ones before it, so that none can go unnoticed."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from supakeep.domain.drill import DrillReport
from supakeep.domain.manifest import Manifest
from supakeep.domain.project_ref import PROJECT_REF

LEDGER_FOLDER = "ledger"

_KEY = re.compile(
    rf"{LEDGER_FOLDER}/(?P<ref>{PROJECT_REF})/(?P<at>\d{{4}}-\d{{2}}-\d{{2}}T\d{{6}}Z)_"
    r"(?P<run>[0-9A-Za-z-]+)\.json",
    re.ASCII,
)
_MOMENT = "%Y-%m-%dT%H%M%SZ"
# the clocks of two machines differ
CLOCK_SKEW = dt.timedelta(minutes=5)


class _Recorded(BaseModel):
    # a later minor version may record more
    model_config = ConfigDict(frozen=True, extra="ignore")


class Link(_Recorded):
    """An entry before: where it lies, and the checksum that it has."""

    key: str
    checksum: str


class DrilledBackup(_Recorded):
    """The backup that was drilled, so that another one of its name is told apart from it:
    `volumes_sha256` is the SHA-256 of the SHA-256 of each of its volumes, a line each.
    """

    name: str
    started_at: dt.datetime
    rows: NonNegativeInt
    size_bytes: NonNegativeInt
    volumes_sha256: str

    @classmethod
    def of(cls, manifest: Manifest) -> DrilledBackup:
        return cls(
            name=manifest.backup,
            started_at=manifest.started_at,
            rows=manifest.rows,
            size_bytes=manifest.size_bytes,
            volumes_sha256=volumes_sha256(manifest),
        )


class LedgerEntry(_Recorded):
    """One drill of a project's backup: the run that was it, when, and what it has proven.

    `previous` are the entries that no other one named when this one was written: usually one, and
    several after drills that knew nothing of each other.
    """

    project: str
    run: str
    started_at: dt.datetime
    recorded_at: dt.datetime
    tool_version: str
    backup: DrilledBackup
    report: DrillReport
    previous: tuple[Link, ...] = ()

    @property
    def key(self) -> str:
        """Where it lies: the keys of a project's entries sort by time."""
        return f"{ledger_prefix(self.project)}{self.recorded_at:{_MOMENT}}_{self.run}.json"

    @property
    def duration_seconds(self) -> float:
        return (self.recorded_at - self.started_at).total_seconds()

    def proves(self, manifest: Manifest) -> bool:
        """Whether it is about this backup, and not another one of its name."""
        return self.backup.volumes_sha256 == volumes_sha256(manifest)


@dataclass(frozen=True)
class StoredEntry:
    """An entry as a store holds it; `key_id` names the key that signed it."""

    key: str
    checksum: str
    entry: LedgerEntry
    key_id: str | None = None

    @property
    def link(self) -> Link:
        return Link(key=self.key, checksum=self.checksum)


def ledger_prefix(project: str | None) -> str:
    """What the keys of a project's entries begin with; those of every project for None."""
    return f"{LEDGER_FOLDER}/{project}/" if project else f"{LEDGER_FOLDER}/"


def recorded_at(key: str) -> dt.datetime | None:
    """When the entry under this key was recorded; None for what is not an entry's key."""
    match = _KEY.fullmatch(key)
    try:
        return dt.datetime.strptime(f"{match['at']}+0000", f"{_MOMENT}%z") if match else None
    except ValueError:
        return None


def is_of_the_future(entry: LedgerEntry, now: dt.datetime) -> bool:
    """Whether it claims a time that has not come."""
    return entry.recorded_at > now + CLOCK_SKEW


def is_older(link: Link, entry: LedgerEntry) -> bool:
    """Whether an entry could have been there when `entry` was written, as far as two clocks agree."""
    at = recorded_at(link.key)
    return link.key != entry.key and at is not None and at <= entry.recorded_at + CLOCK_SKEW


def unnamed(entries: Iterable[StoredEntry]) -> tuple[Link, ...]:
    """The entries that no other one names, by their keys: what the next one has to name."""
    by_key = {stored.key: stored for stored in entries}
    named = {link.key for stored in by_key.values() for link in stored.entry.previous}
    return tuple(by_key[key].link for key in sorted(by_key.keys() - named))


def volumes_sha256(manifest: Manifest) -> str:
    """See DrilledBackup."""
    lines = "".join(f"{volume.sha256}\n" for volume in manifest.volumes)
    return hashlib.sha256(lines.encode()).hexdigest()
