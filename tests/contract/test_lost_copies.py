"""A backup of which the primary store lost something, with real stores on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from supakeep.ports import ObjectStore
from supakeep.stores.folder import FolderObjectStore
from supakeep.stores.s3 import S3ObjectStore
from supakeep.usecases.find_backups import damaged_copies, find_backup
from supakeep.usecases.verify_backup import VerifyBackup
from tests.builders.backups import NAME, a_shop, back_up
from tests.builders.manifests import PROJECT
from tests.contract.conftest import MakeStorage
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import NOON, NeverExpires


@pytest.fixture(params=["folder", "s3", "supabase"])
def primary(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    store: ObjectStore
    if request.param == "folder":
        store = FolderObjectStore(tmp_path / "primary")
    elif request.param == "s3":
        store = S3ObjectStore(request.getfixturevalue("s3"), "backups")
    else:
        storage: MakeStorage = request.getfixturevalue("storage")
        store = storage()
    store.name = "primary"
    yield store
    for stored in list(store.list(f"daily/{NAME}")):
        store.delete(stored.key)


@pytest.fixture
def mirror(tmp_path: Path) -> ObjectStore:
    store = FolderObjectStore(tmp_path / "mirror")
    store.name = "mirror"
    return store


@pytest.mark.parametrize("asked_as", ["latest", NAME.text])
@pytest.mark.parametrize("gone", ["everything", "manifest", "one volume"])
def test_what_the_primary_lost_is_reported_and_the_mirrors_copy_is_good(
    primary: ObjectStore, mirror: ObjectStore, gone: str, asked_as: str
) -> None:
    manifest = back_up(a_shop(), primary, mirror, max_object_bytes=400)
    volumes = [volume.key for volume in manifest.volumes]
    for key in {
        "everything": [*volumes, NAME.manifest_key],
        "manifest": [NAME.manifest_key],
        "one volume": volumes[1:2],
    }[gone]:
        primary.delete(key)

    found = find_backup([primary, mirror], asked_as, PROJECT, now=NOON)
    report = VerifyBackup(NeverExpires(), InMemoryProgress())(found)

    assert report.good_in == ("mirror",)
    lost = {
        "everything": "primary: it has no copy of this backup",
        "manifest": "primary: its manifest is missing",
        "one volume": f"primary: {volumes[1]} is damaged: it is missing",
    }[gone]
    [problem] = report.problems
    assert f"primary: {problem.message}" == lost
    in_primary = {"primary": lost} if gone == "one volume" else {}
    assert damaged_copies(found.stores, manifest) == in_primary
