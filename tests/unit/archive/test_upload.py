"""The upload of one backup into several stores."""

from __future__ import annotations

from threading import Barrier
from typing import BinaryIO

import pytest

from supakeep.archive.manifest import parse_manifest
from supakeep.domain.manifest import BackupStatus
from supakeep.errors import ObjectAlreadyExistsError
from tests.builders.backups import NAME, a_shop, back_up, manifests_in
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore

# small enough for a document of several volumes
SMALL = 300


class WaitingObjectStore(InMemoryObjectStore):
    """Takes its second volume once all of `uploads` are at that, too."""

    def __init__(self, name: str, uploads: Barrier) -> None:
        super().__init__(name)
        self._uploads = uploads

    def put(self, key: str, content: BinaryIO) -> None:
        if key == NAME.volume_key(2):
            self._uploads.wait(timeout=10)
        super().put(key, content)


def stores(*names: str) -> list[InMemoryObjectStore]:
    return [InMemoryObjectStore(name) for name in names]


def test_a_volume_goes_to_all_stores_at_the_same_time() -> None:
    uploads = Barrier(3)
    primary, *copies = (WaitingObjectStore(n, uploads) for n in ("primary", "mirror", "offsite"))

    manifest = back_up(a_shop(), primary, *copies, max_object_bytes=SMALL)

    assert manifest.status is BackupStatus.COMPLETE
    assert [copy.name for copy in manifest.copies] == ["mirror", "offsite"]
    assert primary.objects == copies[0].objects == copies[1].objects


@pytest.mark.parametrize("times", [1, None], ids=["once", "for ever"])
@pytest.mark.parametrize("part", [NAME.volume_key(1), NAME.volume_key(3), NAME.manifest_key])
def test_a_copy_that_fails_ends_alone(part: str, times: int | None) -> None:
    primary, mirror, offsite = stores("primary", "mirror", "offsite")
    failing = FailingObjectStore(mirror, "put", key_part=part, times=times)

    manifest = back_up(a_shop(), primary, failing, offsite, max_object_bytes=SMALL)

    assert manifest.status is BackupStatus.PARTIAL
    assert manifest.is_good
    assert list(manifest.copy_problems) == ["mirror"]
    assert manifests_in(mirror) == []
    assert manifests_in(offsite) == manifests_in(primary) == [NAME.manifest_key]
    volumes = {volume.key for volume in manifest.volumes}
    assert {key: primary.objects[key] for key in volumes} == {
        key: offsite.objects[key] for key in volumes
    }


def test_a_copys_manifest_says_which_copy_had_failed_before() -> None:
    primary, mirror, offsite = stores("primary", "mirror", "offsite")
    failing = FailingObjectStore(mirror, "put", key_part=NAME.volume_key(2))

    back_up(a_shop(), primary, failing, offsite, max_object_bytes=SMALL)

    read = parse_manifest(offsite.objects[NAME.manifest_key], NAME.manifest_key)
    assert list(read.copy_problems) == ["mirror"]


def test_the_loser_of_two_backups_of_one_name_leaves_the_copies_to_the_other() -> None:
    primary, mirror = stores("primary", "mirror")
    primary.place(NAME.volume_key(1), b"another's")

    with pytest.raises(ObjectAlreadyExistsError):
        back_up(a_shop(), primary, mirror, max_object_bytes=SMALL)

    assert mirror.objects == {}
