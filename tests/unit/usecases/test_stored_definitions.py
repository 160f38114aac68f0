"""Definitions are one of a backup's objects: whatever handles these, handles them."""

from __future__ import annotations

import pytest

from supakeep.archive.manifest import encode_manifest, parse_manifest
from supakeep.domain.backup_name import BackupName, ObjectName
from supakeep.domain.engine import POSTGRES
from supakeep.domain.manifest import Manifest
from supakeep.domain.policy import BackupPolicy
from supakeep.errors import ChecksumError, ManifestError
from supakeep.usecases.find_backups import find_backup
from supakeep.usecases.verify_backup import VerifyBackup
from tests.builders.backups import NAME, a_shop, back_up
from tests.builders.manifests import PROJECT
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import NOON, NeverExpires

TINY = BackupPolicy.parse('[backup]\ntables = "*"\n[storage]\nread_back = true')


@pytest.fixture
def store() -> InMemoryObjectStore:
    return InMemoryObjectStore()


@pytest.fixture
def manifest(store: InMemoryObjectStore) -> Manifest:
    return back_up(a_shop(InMemoryDatabase(engine=POSTGRES)), store, policy=TINY)


def verify(store: InMemoryObjectStore) -> None:
    VerifyBackup(NeverExpires(), InMemoryProgress())(
        find_backup([store], NAME.text, PROJECT, now=NOON)
    )


def test_damaged_definitions_are_found(store: InMemoryObjectStore, manifest: Manifest) -> None:
    verify(store)
    [definitions] = manifest.objects[len(manifest.volumes) :]
    store.delete(definitions.key)
    store.place(definitions.key, b"x" * definitions.bytes, modified_at=NOON)

    with pytest.raises(ChecksumError, match=r"\.schema\.sql"):
        verify(store)


def test_another_backups_definitions_are_refused(manifest: Manifest) -> None:
    other = BackupName.parse(f"backup_{PROJECT}_2020-01-01").definitions_key
    assert manifest.definitions is not None
    assert manifest.definitions.stored is not None
    moved = manifest.definitions.stored.model_copy(update={"key": other})
    edited = manifest.model_copy(
        update={"definitions": manifest.definitions.model_copy(update={"stored": moved})}
    )

    with pytest.raises(ManifestError, match="its definitions are not its own"):
        parse_manifest(encode_manifest(edited), NAME.manifest_key)


def test_definitions_that_do_not_fit_into_an_object_are_left_out_and_told(
    store: InMemoryObjectStore,
) -> None:
    manifest = back_up(
        a_shop(InMemoryDatabase(engine=POSTGRES)), store, policy=TINY, max_object_bytes=20
    )

    assert manifest.definitions is not None
    assert manifest.definitions.problem is not None
    assert "more than 20 bytes" in manifest.definitions.problem.message
    assert not [key for key in store.objects if ".schema.sql" in key]
    verify(store)


def test_the_key_says_whose_they_are_and_how_they_are_stored() -> None:
    parsed = ObjectName.parse(f"{NAME.definitions_key}.zst.age")

    assert parsed == ObjectName(NAME, is_manifest=False, encoding=".zst.age", is_definitions=True)
    assert ObjectName.parse(f"{NAME.definitions_key}.001") is None
