"""A store with thousands of backups, as months of hourly ones leave it."""

from __future__ import annotations

import datetime as dt
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.contenders import PROJECT_REF, python_environment
from bench.measure import Contender
from bench.store import Store
from supakeep.archive.manifest import encode_manifest
from supakeep.archive.signature import Keyring
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import (
    BackupStatus,
    Manifest,
    Part,
    TableEntry,
    TableStatus,
    Trigger,
)
from supakeep.domain.manifest_parts import VolumeEntry
from supakeep.domain.policy import TablePolicy
from supakeep.domain.schema import Column

_DOCUMENT = b"a document\n"
_SIGNING_KEY = "the-signing-key-of-the-benchmark-0123456789"
_POLICY = '[backup]\ntables = "*"\n[retention]\nkeep_last = 10\n'
_TABLES = 5
_COLUMNS = 12


@dataclass(frozen=True)
class ManyBackups:
    """`number` signed backups of five tables in the store, an hour apart."""

    store: Store
    folder: Path
    number: int

    def listing(self, name: str) -> Contender:
        """`supakeep list`, which reads and verifies each manifest."""
        return self._contender(name, ["list", "--json"])

    def prune(self, name: str) -> Contender:
        """`supakeep prune`, which does that too, and removes all but ten."""
        return self._contender(name, ["prune", "--json"])

    def _contender(self, name: str, options: list[str]) -> Contender:
        file = self.folder / "many.toml"
        file.write_text(_POLICY)
        options = [*options, "--from", self.store.address, "--config", str(file)]
        environment = {
            **python_environment(),
            **self.store.environment,
            # nobody asks the database
            "SUPABASE_DB_URL": "postgresql://postgres@127.0.0.1:1/postgres",
            "SUPABASE_PROJECT_REF": PROJECT_REF,
            "SIGNING_KEY": _SIGNING_KEY,
        }
        return Contender(name, [sys.executable, "-m", "supakeep", *options], environment, self.fill)

    def fill(self) -> None:
        """The backups, in a store that held nothing else."""
        keyring, newest = Keyring(_SIGNING_KEY), dt.datetime.now(dt.UTC).replace(microsecond=0)
        objects = {}
        for hours in range(self.number):
            manifest = _manifest(newest - dt.timedelta(hours=hours + 1))
            objects[manifest.volumes[0].key] = _DOCUMENT
            objects[manifest.name.manifest_key] = encode_manifest(manifest, keyring)
        self.store.clear()
        self.store.place(objects)


def _manifest(at: dt.datetime) -> Manifest:
    name = BackupName.timed(PROJECT_REF, at)
    document = VolumeEntry(
        key=name.document_key, bytes=len(_DOCUMENT), sha256=hashlib.sha256(_DOCUMENT).hexdigest()
    )
    return Manifest(
        backup=name.text,
        project=PROJECT_REF,
        trigger=Trigger.SCHEDULE,
        engine="postgres",
        consistency="snapshot",
        server_version="18.4",
        tool_version="0",
        started_at=at,
        finished_at=at + dt.timedelta(seconds=1),
        status=BackupStatus.COMPLETE,
        tables=tuple(_table(number) for number in range(_TABLES)),
        volumes=(document,),
    )


def _table(number: int) -> TableEntry:
    part = Part(volume=1, offset=0, rows=1000, bytes=100_000, sha256="0" * 64)
    return TableEntry(
        name=f"public.table_{number}",
        status=TableStatus.COMPLETE,
        rows=part.rows,
        bytes=part.bytes,
        policy=TablePolicy(),
        columns=tuple(Column(name=f"column_{n}", type="text") for n in range(_COLUMNS)),
        primary_key=("column_0",),
        parts=(part,),
    )
