"""A backup with several copies: each volume comes from the first store that has it right."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from supakeep.archive.manifest import encode_manifest
from supakeep.archive.reader import BackupReader
from supakeep.domain.manifest import Manifest
from supakeep.domain.restore import RestoreReport, RestoreRequest
from supakeep.domain.verification import VerificationReport
from supakeep.errors import ChecksumError, StoragePermissionError, StorageUnavailableError
from supakeep.ports import ObjectStore, TargetDatabase
from supakeep.usecases.restore_backup import RestoreBackup
from supakeep.usecases.verify_backup import VerifyBackup
from tests.builders.backups import EVERYTHING, a_shop, back_up, emptied
from tests.builders.manifests import PROJECT
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import NeverExpires

Copies = tuple[InMemoryObjectStore, InMemoryObjectStore, Manifest]
SHOP = a_shop()


@pytest.fixture
def copies() -> Copies:
    """The shop in both stores, in several volumes."""
    primary, mirror = InMemoryObjectStore(), InMemoryObjectStore("mirror")
    return primary, mirror, back_up(SHOP, primary, mirror, max_object_bytes=500)


def damage(store: InMemoryObjectStore, key: str, fault: str) -> None:
    content = store.objects[key]
    if fault == "missing":
        store.delete(key)
    else:
        store.place(
            key, content[:-1] + bytes([content[-1] ^ (fault == "flipped")])[: fault != "cut"]
        )


def restore(target: TargetDatabase, manifest: Manifest, *stores: ObjectStore) -> RestoreReport:
    use_case = RestoreBackup(
        target=target,
        project=PROJECT,
        policy=EVERYTHING,
        deadline=NeverExpires(),
        progress=InMemoryProgress(),
    )
    request = RestoreRequest(name=manifest.backup, confirm=PROJECT)
    return use_case(request, BackupReader(manifest, stores))


def verify(manifest: Manifest, *stores: ObjectStore) -> VerificationReport:
    return VerifyBackup(NeverExpires(), InMemoryProgress())(BackupReader(manifest, stores))


def wrong_in(report: VerificationReport) -> tuple[str, ...]:
    """What is wrong with each copy that is not good."""
    problems = {copy.store: copy.problem for copy in report.copies if copy.problem is not None}
    return tuple(f"{store}: {problem.message}" for store, problem in problems.items())


class MeetingStore(InMemoryObjectStore):
    """Gives no volume before `most` of them are asked for at the same time."""

    def __init__(self, objects: dict[str, bytes], most: int) -> None:
        super().__init__()
        self.objects = objects
        self._meeting = threading.Barrier(most)

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        self._meeting.wait(timeout=10)
        with super().read(key) as pieces:
            yield pieces


def test_two_volumes_are_checked_at_the_same_time(copies: Copies) -> None:
    primary, _, manifest = copies
    volumes = manifest.volumes[:2]
    store = MeetingStore(primary.objects, most=2)
    reader = BackupReader(manifest, [store])

    reader.check_volumes(volumes, NeverExpires())

    assert len(volumes) == 2
    assert reader.notices == ()


@pytest.mark.parametrize("fault", ["flipped", "cut", "missing"])
def test_a_restore_reads_a_damaged_volume_from_the_copy_that_is_right(
    copies: Copies, fault: str
) -> None:
    primary, mirror, manifest = copies
    first, second = (volume.key for volume in manifest.volumes[:2])
    damage(primary, first, fault)
    damage(mirror, second, fault)
    target = emptied(SHOP)

    report = restore(target, manifest, primary, mirror)

    assert target.everything() == SHOP.everything()
    assert (report.read_from, report.is_whole) == ("primary", True)
    [told] = report.warnings
    assert told.startswith(f"{first} was read from mirror. primary: {first} is damaged: it")


def test_a_verification_names_the_volume_that_only_the_mirror_has(copies: Copies) -> None:
    primary, mirror, manifest = copies
    damage(primary, manifest.volumes[1].key, "flipped")

    report = verify(manifest, primary, mirror)

    assert report.good_in == ("mirror",)
    [told] = wrong_in(report)
    assert told.startswith(f"primary: {manifest.volumes[1].key} is damaged: ")


@pytest.mark.parametrize("first", ["primary", "mirror"])
@pytest.mark.parametrize("fault", ["flipped", "cut", "missing"])
def test_a_verification_reads_every_copy_whichever_is_read_first(
    copies: Copies, fault: str, first: str
) -> None:
    primary, mirror, manifest = copies
    damage(primary, manifest.volumes[1].key, fault)
    order = [primary, mirror] if first == "primary" else [mirror, primary]

    report = verify(manifest, *order)

    assert (report.good_in, len(wrong_in(report))) == (("mirror",), 1)
    assert wrong_in(report)[0].startswith(f"primary: {manifest.volumes[1].key} is damaged: ")


def test_a_verification_of_two_whole_copies_has_no_warning(copies: Copies) -> None:
    primary, mirror, manifest = copies

    report = verify(manifest, primary, mirror)

    assert (report.good_in, wrong_in(report)) == (("primary", "mirror"), ())


@pytest.mark.parametrize(
    ("is_gone", "problem"),
    [
        ("everything", "it has no copy of this backup"),
        ("the manifest", "its manifest is missing"),
        ("the volumes", "it is missing"),
    ],
)
def test_a_verification_says_what_the_primary_lost(
    copies: Copies, is_gone: str, problem: str
) -> None:
    primary, mirror, manifest = copies
    for key in list(primary.objects):
        is_manifest = key == manifest.name.manifest_key
        if is_gone == "everything" or is_manifest == (is_gone == "the manifest"):
            primary.delete(key)

    report = verify(manifest, primary, mirror)

    assert report.good_in == ("mirror",)
    [told] = wrong_in(report)
    assert told.startswith("primary: ")
    assert problem in told
    if is_gone == "the volumes":
        assert all(volume.key in told for volume in manifest.volumes[:3])


def test_a_manifest_of_another_backup_is_not_a_good_copy(copies: Copies) -> None:
    primary, mirror, manifest = copies
    other = manifest.model_copy(update={"tables": manifest.tables[:1]})
    mirror.place(manifest.name.manifest_key, encode_manifest(other))

    report = verify(manifest, primary, mirror)

    assert report.good_in == ("primary",)
    assert wrong_in(report) == ("mirror: its manifest describes another backup of this name",)


def test_copies_that_are_whole_only_together_are_reported_as_none(copies: Copies) -> None:
    primary, mirror, manifest = copies
    damage(primary, manifest.volumes[0].key, "flipped")
    damage(mirror, manifest.volumes[1].key, "missing")

    report = verify(manifest, primary, mirror)

    assert (report.good_in, len(wrong_in(report))) == ((), 2)


def test_a_store_that_refuses_is_reported_once(copies: Copies) -> None:
    primary, mirror, manifest = copies
    denied = StoragePermissionError("Permission denied", operation="download")

    report = verify(manifest, primary, FailingObjectStore(mirror, "read", error=denied))

    assert report.good_in == ("primary",)
    assert wrong_in(report) == ("mirror: Permission denied",)


def test_a_store_that_does_not_answer_is_asked_once(copies: Copies) -> None:
    primary, mirror, manifest = copies
    failing = FailingObjectStore(mirror, "read", key_part=".sql.json", times=4)

    report = verify(manifest, primary, failing)

    # it would give the further volumes, but asking for each could take a minute
    assert (report.good_in, len(wrong_in(report))) == (("primary",), 1)
    assert wrong_in(report)[0] == "mirror: mirror did not answer"


@pytest.mark.parametrize(
    "error",
    [
        StorageUnavailableError("down", operation="download"),
        StoragePermissionError("no", operation="download"),
    ],
)
def test_a_store_that_does_not_give_a_volume_is_passed_over(
    copies: Copies, error: StorageUnavailableError
) -> None:
    primary, mirror, manifest = copies
    failing = FailingObjectStore(primary, "read", error=error)
    target = emptied(SHOP)

    report = restore(target, manifest, failing, mirror)

    assert target.everything() == SHOP.everything()
    assert len(report.warnings) == len(manifest.volumes)


def test_a_volume_that_no_copy_has_right_is_named_with_what_each_said(copies: Copies) -> None:
    primary, mirror, manifest = copies
    key = manifest.volumes[-1].key
    damage(primary, key, "flipped")
    damage(mirror, key, "missing")
    target = emptied(SHOP)

    with pytest.raises(ChecksumError) as found:
        restore(target, manifest, primary, mirror)

    assert found.value.message == (
        f"{key} is damaged: its SHA-256 is not the one in the manifest "
        f"(the other copies do not help: mirror: {key} is damaged: it is missing)"
    )
    assert found.value.hint == "Use another backup; `supakeep list` shows them."
    assert target.everything() == emptied(SHOP).everything()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("primary", "Use another copy (--from mirror or --from offsite) or another backup"),
        ("mirror", "Use another copy (--from primary or --from offsite) or another backup"),
        ("offsite", "Use another copy (--from primary or --from mirror) or another backup"),
        (
            "copies/",
            "Use another copy, if there is one (--from and the name of its store), or another backup",
        ),
    ],
)
def test_the_hint_names_the_copies_that_were_not_read(name: str, hint: str) -> None:
    stores = {store: InMemoryObjectStore(store) for store in ("primary", "mirror", "offsite")}
    manifest = back_up(SHOP, *stores.values())
    read = InMemoryObjectStore(name)
    read.objects = dict(stores["primary"].objects)
    damage(read, manifest.volumes[0].key, "flipped")

    with pytest.raises(ChecksumError) as found:
        restore(emptied(SHOP), manifest, read)

    assert found.value.hint == f"{hint}; `supakeep list` shows them."


def test_the_hint_names_no_copy_that_the_backup_never_got() -> None:
    primary = InMemoryObjectStore()
    refusing = FailingObjectStore(InMemoryObjectStore("mirror"), "put")
    manifest = back_up(SHOP, primary, refusing)
    damage(primary, manifest.volumes[0].key, "flipped")

    with pytest.raises(ChecksumError) as found:
        restore(emptied(SHOP), manifest, primary)

    assert found.value.hint == "Use another backup; `supakeep list` shows them."


class DyingObjectStore(InMemoryObjectStore):
    """Gives `reads` objects, then a hundred bytes of one more, and then nothing."""

    reads = 1000

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        self.reads -= 1
        with super().read(key) as pieces:
            yield pieces if self.reads >= 0 else self._cut(pieces)

    def _cut(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece, _ in zip(pieces, range(100 // 7), strict=False):
            yield piece
        raise StorageUnavailableError("The store died", operation="download")


def test_where_a_store_dies_between_the_rows_the_next_one_is_read_on() -> None:
    primary, mirror = DyingObjectStore(), InMemoryObjectStore("mirror", piece_bytes=11)
    manifest = back_up(SHOP, primary, mirror, max_object_bytes=500)
    primary.reads = len(manifest.volumes) + 1
    target = emptied(SHOP)

    report = restore(target, manifest, primary, mirror)

    assert target.everything() == SHOP.everything()
    assert any("primary did not give" in told for told in report.warnings)
