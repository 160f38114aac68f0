"""What the use cases make of backups that are encrypted."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from supakeep.archive.encryption import Identities
from supakeep.archive.reader import BackupReader
from supakeep.domain.backup_diff import DiffStatus
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import Manifest, TableStatus, Trigger
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.restore import RestoreReport, RestoreRequest
from supakeep.domain.run import RunKind, RunStatus
from supakeep.domain.verification import VerificationReport
from supakeep.errors import ChecksumError, DecryptionError, ExportError
from supakeep.usecases.diff_backups import DiffBackups
from supakeep.usecases.diff_sides import BackupSide
from supakeep.usecases.list_backups import list_backups
from supakeep.usecases.prune_backups import PruneBackups
from supakeep.usecases.run_restore import RunRestore
from supakeep.usecases.run_verify import RunVerify
from supakeep.usecases.verify_backup import VerifyBackup
from tests.builders.backups import CUSTOMERS, ITEMS, NAME, ORDERS, a_shop, back_up, emptied, restore
from tests.builders.keys import OURS, PAPER, STRANGERS, Key
from tests.builders.lambda_events import ServedProject, settings
from tests.builders.manifests import PROJECT
from tests.fakes.database import EVERY_MODE, FailingExportDatabase, InMemoryDatabase
from tests.fakes.faulty_object_store import BitFlippingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryDispatcher, InMemoryProgress
from tests.fakes.time import NOON, FixedClock, NeverExpires
from tests.unit.usecases.running import a_run

POLICY = BackupPolicy.parse(
    f"""
[backup]
tables = "*"
[storage]
compression = "zstd"
[encryption]
recipients = ["{OURS.public}", "{PAPER.public}"]
"""
)


@pytest.fixture
def store() -> InMemoryObjectStore:
    return InMemoryObjectStore()


@pytest.fixture
def manifest(store: InMemoryObjectStore) -> Manifest:
    return back_up(a_shop(), store, policy=POLICY)


def reader_of(manifest: Manifest, store: InMemoryObjectStore, key: Key | None) -> BackupReader:
    reader = BackupReader(manifest, [store])
    if key is not None:
        reader.decoder.unlock(lambda: Identities(key.private))
    return reader


def verified(reader: BackupReader, *, deep: bool = False) -> VerificationReport:
    return VerifyBackup(NeverExpires(), InMemoryProgress(), deep)(reader)


@pytest.mark.parametrize("key", [None, STRANGERS])
def test_without_its_identity_a_backup_is_verified_as_far_as_it_can_be(
    store: InMemoryObjectStore, manifest: Manifest, key: Key | None
) -> None:
    report = verified(reader_of(manifest, store, key))

    assert (report.good_in, report.contents_read, report.tables) == (("primary",), False, {})


def test_damage_is_found_without_the_identity(
    store: InMemoryObjectStore, manifest: Manifest
) -> None:
    [volume] = manifest.volumes
    flipped = BitFlippingObjectStore(store, volume.key, volume.bytes - 1)

    with pytest.raises(ChecksumError, match="its SHA-256 is not the one in the manifest"):
        verified(BackupReader(manifest, [flipped]))


@pytest.mark.parametrize("key", [OURS, PAPER])
def test_with_its_identity_every_row_is_read(
    store: InMemoryObjectStore, manifest: Manifest, key: Key
) -> None:
    report = verified(reader_of(manifest, store, key), deep=True)

    assert report.contents_read
    assert report.tables == {CUSTOMERS: 5, ITEMS: 5, ORDERS: 5}


@pytest.mark.parametrize("key", [None, STRANGERS])
def test_a_deep_verification_without_the_identity_fails(
    store: InMemoryObjectStore, manifest: Manifest, key: Key | None
) -> None:
    with pytest.raises(DecryptionError):
        verified(reader_of(manifest, store, key), deep=True)


@pytest.mark.parametrize("key", [None, STRANGERS])
def test_a_restore_without_the_identity_writes_nothing(
    store: InMemoryObjectStore, manifest: Manifest, key: Key | None
) -> None:
    target = a_shop(InMemoryDatabase(engine=EVERY_MODE))
    target.delete(ITEMS, id=1)
    untouched, objects = target.everything(), dict(store.objects)

    with pytest.raises(DecryptionError):
        _restored_into(target, store, manifest, key)

    assert target.everything() == untouched
    assert store.objects == objects


def test_a_restore_with_the_identity_brings_every_row_back(
    store: InMemoryObjectStore, manifest: Manifest
) -> None:
    target = emptied(a_shop())

    _restored_into(target, store, manifest, OURS)

    assert target.everything() == a_shop().everything()


def _restored_into(
    target: InMemoryDatabase, store: InMemoryObjectStore, manifest: Manifest, key: Key | None
) -> None:
    run = a_run(kind=RunKind.RESTORE, trigger=Trigger.CLI)
    request = RestoreRequest(name=manifest.backup, confirm=PROJECT)
    RunRestore(a_project(target, store, key))(run, request)


def a_project(
    database: InMemoryDatabase,
    store: InMemoryObjectStore,
    key: Key | None,
    policy: BackupPolicy = POLICY,
) -> ServedProject:
    return ServedProject(
        settings=settings(),
        database=database,
        primary=store,
        mirror=None,
        dispatcher=InMemoryDispatcher(),
        clock=FixedClock(NOON + dt.timedelta(seconds=1)),
        policy=policy,
        identity=key.private if key else None,
    )


PLAIN_POLICY = BackupPolicy.parse('[backup]\ntables = "*"')


@pytest.mark.parametrize("policy", [POLICY, PLAIN_POLICY], ids=["encrypted", "plain policy"])
def test_the_undo_copy_is_encrypted_too(store: InMemoryObjectStore, policy: BackupPolicy) -> None:
    shop = a_shop(InMemoryDatabase(engine=EVERY_MODE))
    manifest = back_up(shop, store, policy=POLICY)

    project = a_project(shop, store, OURS, policy)
    run = RunRestore(project)(
        a_run(kind=RunKind.RESTORE, trigger=Trigger.CLI),
        RestoreRequest(name=manifest.backup, confirm=PROJECT),
    )

    assert isinstance(run.result, RestoreReport)
    [kept] = [
        found.manifest
        for found in list_backups([store], PROJECT).backups
        if found.manifest and found.manifest.trigger is Trigger.PRE_RESTORE
    ]
    assert kept.recipients == (OURS.public, PAPER.public)
    assert all(
        b"customer" not in content for key, content in store.objects.items() if ".age" in key
    )
    assert run.result.warnings == ()
    shop.delete(ITEMS, id=1)
    restore_of_undo = reader_of(kept, store, OURS)
    assert verified(restore_of_undo, deep=True).tables == {CUSTOMERS: 5, ITEMS: 5, ORDERS: 5}


def test_who_cannot_open_the_undo_copy_is_told_whose_key_it_needs(
    store: InMemoryObjectStore,
) -> None:
    shop = a_shop(InMemoryDatabase(engine=EVERY_MODE))
    plain = back_up(shop, store, policy=PLAIN_POLICY)

    report = restore(
        shop,
        store,
        plain,
        safeguard=lambda _: back_up(shop, InMemoryObjectStore(), policy=POLICY, name=NAME),
    )

    needed = f"{OURS.public} or {PAPER.public}"
    assert list(report.warnings) == [
        f"The undo copy is encrypted: an undo needs the private key of {needed}"
    ]


def test_encrypted_backups_that_differ_are_not_called_the_same(
    store: InMemoryObjectStore, manifest: Manifest
) -> None:
    changed, other = a_shop(), InMemoryObjectStore()
    changed.delete(ITEMS, id=1)
    later = back_up(changed, other, policy=POLICY)
    before, after = reader_of(manifest, store, OURS), reader_of(later, other, OURS)

    report = DiffBackups(InMemoryProgress())(before, BackupSide(after))

    assert {table.table: table.status for table in report.tables} == {
        CUSTOMERS: DiffStatus.SAME,
        ITEMS: DiffStatus.CHANGED,
        ORDERS: DiffStatus.SAME,
    }


def test_a_diff_without_the_identity_says_so(
    store: InMemoryObjectStore, manifest: Manifest
) -> None:
    locked, unlocked = reader_of(manifest, store, None), reader_of(manifest, store, OURS)

    with pytest.raises(DecryptionError):
        DiffBackups(InMemoryProgress())(locked, BackupSide(unlocked))
    with pytest.raises(DecryptionError):
        BackupSide(locked)


def test_the_manifest_names_no_value_of_a_row(store: InMemoryObjectStore) -> None:
    said = ExportError("invalid value: 'customer 5 owes 12'", operation="export", key=ITEMS)
    failing = FailingExportDatabase({ITEMS: (1, said)})
    a_shop(failing)

    manifest = back_up(failing, store, policy=POLICY)

    stored = store.objects[NAME.manifest_key].decode()
    assert "owes" not in stored
    entry = manifest.entry(ITEMS)
    assert entry is not None
    assert entry.error is not None
    assert entry.status is TableStatus.FAILED
    assert entry.error.message == f"{ITEMS} could not be exported (ExportError)"
    assert json.loads(stored)["encryption"] == {"recipients": [OURS.public, PAPER.public]}


@pytest.mark.parametrize(("key", "read"), [(None, False), (STRANGERS, False), (OURS, True)])
def test_a_verification_run_says_whether_rows_were_read(
    store: InMemoryObjectStore, manifest: Manifest, key: Key | None, read: bool
) -> None:
    run = a_run(kind=RunKind.VERIFY, trigger=Trigger.API)

    ended = RunVerify(a_project(a_shop(), store, key))(run, manifest.backup)

    assert isinstance(ended.result, VerificationReport)
    [copy] = ended.result.copies
    assert (ended.status, copy.good, copy.contents_read) == (RunStatus.COMPLETE, True, read)


def test_a_prune_knows_the_objects_of_encrypted_backups_as_their_own(
    store: InMemoryObjectStore, manifest: Manifest
) -> None:
    days_later = FixedClock(NOON + dt.timedelta(days=3))
    newer = back_up(a_shop(), store, policy=POLICY, name=_name_of(days_later), clock=days_later)
    left = store.objects[manifest.volumes[0].key]
    store.place(manifest.name.volume_key(7, ".zst.age"), left, modified_at=NOON)
    retention = BackupPolicy.parse('[backup]\ntables="*"\n[retention]\nkeep_within_days = 1')

    PruneBackups(retention.retention, PROJECT, days_later, NeverExpires())([store], dry_run=False)

    assert sorted(store.objects) == [newer.name.manifest_key, newer.volumes[0].key]


def _name_of(clock: FixedClock) -> BackupName:
    return BackupName.timed(PROJECT, clock.now())
