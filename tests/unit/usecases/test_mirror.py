from __future__ import annotations

import pytest

from supakeep.archive.manifest import parse_manifest
from supakeep.domain.manifest import BackupStatus, CopyState
from tests.builders.backups import NAME, a_shop, back_up, document_of
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore

# small enough for a document of several volumes
SMALL = 300


def test_the_mirror_holds_the_same_objects() -> None:
    primary, mirror = InMemoryObjectStore(), InMemoryObjectStore("mirror")

    manifest = back_up(a_shop(), primary, mirror, max_object_bytes=SMALL)

    assert len(manifest.volumes) > 3
    assert mirror.objects == primary.objects
    assert manifest.status is BackupStatus.COMPLETE
    assert manifest.copies == (CopyState(name="mirror"),)


def test_the_mirrors_manifest_is_written_before_the_primarys() -> None:
    """So that the primary's can tell what became of the mirror."""
    primary, mirror = InMemoryObjectStore(), InMemoryObjectStore("mirror")
    failing = FailingObjectStore(primary, "put", key_part=".manifest.json")

    with pytest.raises(Exception, match="did not answer"):
        back_up(a_shop(), failing, mirror)

    assert NAME.manifest_key in mirror.objects
    assert NAME.manifest_key not in primary.objects


@pytest.mark.parametrize(
    ("nth", "key_part"), [(1, ""), (2, ""), (4, ""), (1, ".manifest.json")], ids=str
)
@pytest.mark.parametrize("times", [1, None], ids=["once", "for ever"])
def test_when_the_mirror_fails_the_backup_is_partial_and_the_mirror_shows_none(
    nth: int, key_part: str, times: int | None
) -> None:
    primary, copy = InMemoryObjectStore(), InMemoryObjectStore("mirror")
    mirror = FailingObjectStore(copy, "put", nth=nth, key_part=key_part, times=times)

    manifest = back_up(a_shop(), primary, mirror, max_object_bytes=SMALL)

    assert manifest.status is BackupStatus.PARTIAL
    assert (
        manifest.copy_problems["mirror"].message
        == "The copy in mirror failed: mirror did not answer"
    )
    # this copy restores all the same
    assert manifest.is_good
    assert parse_manifest(primary.objects[NAME.manifest_key], NAME.manifest_key) == manifest
    assert document_of(primary, manifest)
    assert NAME.manifest_key not in copy.objects


def test_what_the_mirror_has_already_is_left_alone() -> None:
    primary, mirror = InMemoryObjectStore(), InMemoryObjectStore("mirror")
    mirror.place(NAME.document_key, b"another backup's")

    manifest = back_up(a_shop(), primary, mirror)

    assert mirror.objects == {NAME.document_key: b"another backup's"}
    assert manifest.status is BackupStatus.PARTIAL
    assert "mirror" in manifest.copy_problems
