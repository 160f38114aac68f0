"""Where there is a signing key, only what it has signed is restored, read or counted."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from supakeep.archive.manifest import encode_manifest
from supakeep.archive.verified_store import VerifiedObjectStore, accepting_unsigned
from supakeep.domain.manifest import Manifest, Trigger
from supakeep.domain.retention_policy import RetentionPolicy
from supakeep.errors import (
    BackupNotFoundError,
    ChecksumError,
    ManifestError,
    SignatureError,
    UnsignedError,
)
from supakeep.ports import ObjectStore
from supakeep.usecases.find_backups import find_backup
from supakeep.usecases.find_undo import find_last_undo
from supakeep.usecases.list_backups import list_backups
from supakeep.usecases.newest_good import newest_good
from supakeep.usecases.prune_backups import PruneBackups
from supakeep.usecases.stored_manifests import read_manifest
from tests.builders.backups import a_shop, back_up
from tests.builders.manifests import PROJECT, a_manifest
from tests.builders.signing import KEYRING, STRANGERS, with_a_right_checksum
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON, FixedClock, NeverExpires

DAY = dt.timedelta(days=1)
SIGNERS = {"signed": KEYRING, "unsigned": None, "forged": STRANGERS}


@pytest.fixture
def bucket() -> InMemoryObjectStore:
    """What anyone with the Storage key writes into."""
    return InMemoryObjectStore(piece_bytes=4096)


@pytest.fixture
def store(bucket: InMemoryObjectStore) -> VerifiedObjectStore:
    """The bucket as Supakeep sees it."""
    return VerifiedObjectStore(bucket, KEYRING)


def place(bucket: InMemoryObjectStore, by: str, at: dt.datetime = NOON, **fields: Any) -> Manifest:
    manifest = a_manifest(at=at).model_copy(update=fields)
    bucket.place(manifest.name.document_key, b"a document", modified_at=at)
    content = encode_manifest(manifest, SIGNERS[by])
    bucket.place(manifest.name.manifest_key, content, modified_at=at)
    return manifest


def test_a_backup_is_signed_in_every_store(bucket: InMemoryObjectStore) -> None:
    mirror = InMemoryObjectStore("mirror")
    made = back_up(a_shop(), bucket, mirror, keyring=KEYRING)

    for held in (bucket, mirror):
        read_manifest(VerifiedObjectStore(held, KEYRING), made.name)
        with pytest.raises(SignatureError):
            read_manifest(VerifiedObjectStore(held, STRANGERS), made.name)


@pytest.mark.parametrize("by", ["unsigned", "forged"])
def test_what_does_not_verify_is_never_latest_and_never_the_newest_good(
    bucket: InMemoryObjectStore, store: ObjectStore, by: str
) -> None:
    place(bucket, by)
    with pytest.raises(BackupNotFoundError):
        find_backup([store], "latest", PROJECT, now=NOON)
    assert newest_good(store, PROJECT, now=NOON) is None

    good = place(bucket, "signed", NOON - DAY)
    found = find_backup([store], "latest", PROJECT, now=NOON)

    assert found.manifest.backup == good.backup
    [notice] = found.passed_over
    assert "was passed over, and may be newer: The manifest" in notice
    newest = newest_good(store, PROJECT, now=NOON)
    assert newest is not None
    assert newest.backup == good.backup


@pytest.mark.parametrize(("by", "error"), [("unsigned", UnsignedError), ("forged", SignatureError)])
def test_what_does_not_verify_is_refused_by_its_name(
    bucket: InMemoryObjectStore, store: ObjectStore, by: str, error: type[SignatureError]
) -> None:
    name = place(bucket, by).backup

    with pytest.raises(error):
        find_backup([store], name, PROJECT, now=NOON)
    if by == "forged":
        with pytest.raises(SignatureError):
            find_backup(accepting_unsigned([store]), name, PROJECT, now=NOON)
    else:
        find_backup(accepting_unsigned([store]), name, PROJECT, now=NOON)


@pytest.mark.parametrize("by", ["unsigned", "forged"])
def test_what_does_not_verify_is_listed_with_the_reason(
    bucket: InMemoryObjectStore, store: ObjectStore, by: str
) -> None:
    place(bucket, by)

    [found] = list_backups([store], PROJECT).backups

    assert found.manifest is None
    assert found.problem is not None
    assert ("unsigned" if by == "unsigned" else "signed with a key") in found.problem.message


@pytest.mark.parametrize("by", ["unsigned", "forged"])
def test_a_prune_takes_what_does_not_verify_for_no_reason_to_remove_a_good_one(
    bucket: InMemoryObjectStore, store: ObjectStore, by: str
) -> None:
    good = place(bucket, "signed", NOON - 30 * DAY)
    bad = [place(bucket, by, NOON - n * DAY) for n in (1, 40)]

    report = prune(store)

    assert report.removed == 0
    assert report.newest_good_at == NOON - 30 * DAY
    reasons = {backup.name: backup.reason for backup in report.stores[0].backups}
    assert reasons[good.backup] == "the newest good backup"
    assert all(reasons[m.backup].startswith("kept for a look by hand: ") for m in bad)


def prune(store: ObjectStore) -> Any:
    policy = RetentionPolicy(keep_within_days=7)
    return PruneBackups(policy, PROJECT, FixedClock(), NeverExpires())([store], dry_run=False)


def test_a_genuine_manifest_under_another_name_is_refused(
    bucket: InMemoryObjectStore, store: ObjectStore
) -> None:
    old = place(bucket, "signed", NOON - 9 * DAY)
    new = a_manifest(at=NOON - DAY).name
    bucket.place(new.document_key, b"a document")
    bucket.place(new.manifest_key, bucket.objects[old.name.manifest_key])

    with pytest.raises(ManifestError, match="it describes backup_"):
        find_backup([store], new.text, PROJECT, now=NOON)


def test_a_genuine_manifest_whose_names_were_changed_is_refused(
    bucket: InMemoryObjectStore, store: ObjectStore
) -> None:
    old = place(bucket, "signed", NOON - 9 * DAY)
    new = a_manifest(at=NOON - DAY).name
    text = bucket.objects[old.name.manifest_key].decode().replace(old.backup, new.text)
    bucket.place(new.document_key, b"a document")
    bucket.place(new.manifest_key, with_a_right_checksum(json.loads(text)))

    with pytest.raises(SignatureError, match="it is forged"):
        find_backup([store], new.text, PROJECT, now=NOON)


def test_volumes_of_another_backup_are_refused(bucket: InMemoryObjectStore) -> None:
    store = VerifiedObjectStore(bucket, KEYRING)
    shop = a_shop()
    old = back_up(shop, bucket, keyring=KEYRING, name=a_manifest(at=NOON - DAY).name)
    new = back_up(shop, bucket, keyring=KEYRING)
    [one], [other] = old.volumes, new.volumes
    bucket.place(other.key, bucket.objects[one.key])

    reader = find_backup([store], new.backup, PROJECT, now=NOON)
    with pytest.raises(ChecksumError):
        reader.check_volumes(reader.manifest.volumes, NeverExpires())


@pytest.mark.parametrize("undoable", ["unsigned", "forged"])
def test_an_undo_takes_only_what_verifies(
    bucket: InMemoryObjectStore, store: ObjectStore, undoable: str
) -> None:
    place(bucket, undoable, trigger=Trigger.PRE_RESTORE)
    with pytest.raises(BackupNotFoundError):
        find_last_undo([store], PROJECT, NOON)

    good = place(bucket, "signed", NOON - DAY, trigger=Trigger.PRE_RESTORE)
    assert find_last_undo([store], PROJECT, NOON).backup == good.backup


def test_an_undo_copy_of_the_future_is_not_the_newest(
    bucket: InMemoryObjectStore, store: ObjectStore
) -> None:
    place(bucket, "signed", NOON + DAY, trigger=Trigger.PRE_RESTORE)
    good = place(bucket, "signed", NOON - DAY, trigger=Trigger.PRE_RESTORE)

    assert find_last_undo([store], PROJECT, NOON).backup == good.backup


def test_objects_that_are_no_manifests_need_no_signature(bucket: InMemoryObjectStore) -> None:
    store = VerifiedObjectStore(bucket, KEYRING)
    bucket.place("daily/notes.txt", b"a note")

    with store.read("daily/notes.txt") as pieces:
        assert b"".join(pieces) == b"a note"
