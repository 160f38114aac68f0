"""Backups of files, one after the other, and what they hold."""

from __future__ import annotations

import json
from typing import Any

from supakeep.archive.decoder import Decoder
from supakeep.archive.encoding import PLAIN, Encoding
from supakeep.archive.encryption import Identities
from supakeep.domain.backup_name import BackupName
from supakeep.domain.files_policy import FilesPolicy
from supakeep.domain.manifest import Manifest, Trigger
from supakeep.domain.storage_policy import EncryptionPolicy, StoragePolicy
from supakeep.ports import ObjectStore, TimeLimit
from supakeep.usecases.create_backup import CreateBackup
from supakeep.usecases.files_time import FilesTime
from supakeep.usecases.store_files import StoreFiles
from tests.builders.backups import EVERYTHING, a_shop
from tests.builders.manifests import PROJECT
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.project_files import InMemoryProjectFiles
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import NOON, FixedClock, Lasts, NeverExpires

ALL = FilesPolicy(buckets=["*"])


def some_files() -> InMemoryProjectFiles:
    files = InMemoryProjectFiles()
    files.put("avatars", "one.png", b"the first picture")
    files.put("avatars", "folder/two.png", b"the second one")
    files.put("papers", "tax.pdf", b"")
    return files


class Stores:
    """The project's own Storage and two copies, with one backup after the other."""

    def __init__(self) -> None:
        self.clock = FixedClock(NOON)
        self.primary = InMemoryObjectStore(clock=self.clock)
        self.mirror = InMemoryObjectStore("mirror", clock=self.clock)
        self.offsite = InMemoryObjectStore("offsite", clock=self.clock)

    def back_up(
        self,
        source: InMemoryProjectFiles,
        policy: FilesPolicy = ALL,
        *,
        stores: list[ObjectStore] | None = None,
        encoding: Encoding = PLAIN,
        time: TimeLimit = Lasts(None),  # noqa: B008  (it never changes)
        files: bool = True,
    ) -> Manifest:
        """A day after the one before; without `files`, of the rows only."""
        self.clock.advance(days=1)
        copies: list[ObjectStore] = [self.mirror, self.offsite] if stores is None else stores
        stored_as = {
            "storage": StoragePolicy.model_validate(
                {"compression": encoding.compression or "none"}
            ),
            "encryption": EncryptionPolicy(recipients=list(encoding.recipients)),
        }
        create = CreateBackup(
            source=a_shop(),
            primary=self.primary,
            copies=copies,
            policy=EVERYTHING.model_copy(update=stored_as),
            project=PROJECT,
            max_object_bytes=10_000,
            clock=self.clock,
            deadline=NeverExpires(),
            progress=InMemoryProgress(),
            files=self._store_files(source, policy, copies, encoding, time) if files else None,
        )
        return create(BackupName.timed(PROJECT, self.clock.now()), Trigger.SCHEDULE)

    def _store_files(
        self,
        source: InMemoryProjectFiles,
        policy: FilesPolicy,
        stores: list[ObjectStore],
        encoding: Encoding,
        time: TimeLimit,
    ) -> StoreFiles:
        return StoreFiles(
            source=source,
            stores=stores,
            policy=policy,
            project=PROJECT,
            encoding=encoding,
            max_object_bytes=10_000,
            deadline=FilesTime(NeverExpires(), time),
            clock=self.clock,
        )


def files_in(store: InMemoryObjectStore) -> dict[str, bytes]:
    return {key: held for key, held in store.objects.items() if key.startswith("files/")}


def tree_of(
    manifest: Manifest, store: InMemoryObjectStore, identity: str | None = None
) -> list[dict[str, Any]]:
    assert manifest.files is not None
    decoder = Decoder(manifest)
    decoder.unlock(lambda: Identities(identity))

    def stored(content: bytes) -> Any:
        yield content

    content = b"".join(
        b"".join(decoder.content(volume, stored(store.objects[volume.key])))
        for volume in manifest.files.tree
    )
    return [json.loads(line) for line in content.splitlines()]


def contents(manifest: Manifest, store: InMemoryObjectStore) -> dict[str, bytes | None]:
    """The files of the backup by their paths, as somebody reads them with what the format says."""
    files = [line["file"] for line in tree_of(manifest, store) if "file" in line]
    return {
        f"{file['bucket']}/{file['name']}": store.objects[file["key"]] if "key" in file else None
        for file in files
    }
