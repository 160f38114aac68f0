"""Rows are erased from every backup that is kept, and no moment is without a good backup."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import BinaryIO

import pytest

from supakeep.archive.encryption import Identities
from supakeep.archive.manifest import encode_manifest
from supakeep.archive.reader import BackupReader
from supakeep.archive.signature import Keyring
from supakeep.archive.verified_store import VerifiedObjectStore
from supakeep.domain.backup_name import BackupName
from supakeep.domain.erasure import EraseReport, Erasure
from supakeep.domain.manifest import Manifest
from supakeep.domain.policy import BackupPolicy
from supakeep.errors import (
    CopiesDifferError,
    ExportError,
    InvalidRequestError,
    ObjectLockedError,
    StorageUnavailableError,
)
from supakeep.ports import ForwardingObjectStore, ObjectStore
from supakeep.usecases.erase_rows import EraseRows
from supakeep.usecases.find_backups import find_backup
from supakeep.usecases.stored_manifests import read_manifest
from supakeep.usecases.verify_backup import VerifyBackup
from tests.builders.backups import (
    CUSTOMERS,
    ITEMS,
    NAME,
    ORDERS,
    Nights,
    a_shop,
    back_up,
    emptied,
    restore,
)
from tests.builders.keys import OURS, STRANGERS, Key
from tests.builders.manifests import PROJECT
from tests.builders.signing import KEYRING
from tests.builders.tables import a_table
from tests.fakes.database import FailingExportDatabase, InMemoryDatabase
from tests.fakes.faulty_object_store import BitFlippingObjectStore, FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import NOON, FixedClock, NeverExpires

LATER = BackupName.daily(PROJECT, NOON + dt.timedelta(days=1))
PERSON = Erasure.of("customers", {"id": "2"})
ENCRYPTED = BackupPolicy.parse(
    f"""
[backup]
tables = "*"
[storage]
compression = "zstd"
[encryption]
recipients = ["{OURS.public}"]
"""
)


class Killed(BaseException):
    """The process is gone."""


class KilledAfter(FailingObjectStore):
    """Kills the process after so many changes to this store."""

    def __init__(self, store: ObjectStore, changes: int) -> None:
        super().__init__(store, "none")
        self._left = changes

    def _count(self, operation: str, key: str) -> None:  # noqa: ARG002 (the base's)
        if operation in ("put", "replace", "delete"):
            if self._left == 0:
                raise Killed
            self._left -= 1


@pytest.fixture
def primary() -> InMemoryObjectStore:
    return InMemoryObjectStore(piece_bytes=64)


@pytest.fixture
def mirror() -> InMemoryObjectStore:
    return InMemoryObjectStore("mirror", piece_bytes=64)


def erase(
    *stores: ObjectStore,
    erasure: Erasure = PERSON,
    dry_run: bool = False,
    keyring: Keyring | None = None,
    key: Key | None = None,
    in_use: Callable[[], frozenset[str]] = frozenset,
    is_backing_up: Callable[[], bool] = lambda: False,
) -> EraseReport:
    use_case = EraseRows(
        project=PROJECT,
        keyring=keyring,
        identities=lambda: Identities(key.private if key else ""),
        max_object_bytes=2_000 if key else 500,
        clock=FixedClock(),
        deadline=NeverExpires(),
        progress=InMemoryProgress(),
        in_use=in_use,
        is_backing_up=is_backing_up,
    )
    return use_case(erasure, stores, dry_run=dry_run)


def reader_of(
    *stores: ObjectStore, key: Key | None = None, name: BackupName = NAME
) -> BackupReader:
    reader = find_backup(stores, name.text, PROJECT, now=NOON)
    reader.decoder.unlock(lambda: Identities(key.private if key else ""))
    return reader


def document_of(*stores: ObjectStore, key: Key | None = None) -> bytes:
    reader = reader_of(*stores, key=key)
    return b"".join(b"".join(reader.content(volume)) for volume in reader.manifest.volumes)


def is_verified(*stores: ObjectStore, key: Key | None = None) -> bool:
    verify = VerifyBackup(NeverExpires(), InMemoryProgress(), deep=True)
    return verify(reader_of(*stores, key=key)).is_whole


def test_the_rows_are_gone_from_both_copies_and_all_else_is_as_it_was(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    shop = a_shop()
    before = back_up(shop, primary, mirror, max_object_bytes=500)
    old = document_of(primary)

    report = erase(primary, mirror)

    after = read_manifest(primary, NAME)
    lines = [line for line in old.split(b"\n") if b"customer 2" not in line]
    assert document_of(primary) == document_of(mirror) == b"\n".join(lines)
    assert json.loads(document_of(primary))["tables"][CUSTOMERS]["rows"][1]["id"] == 3
    assert [(e.table, e.rows) for e in after.erased] == [(CUSTOMERS, 1)]
    assert {e.name: e.rows for e in after.tables} == {CUSTOMERS: 4, ORDERS: 5, ITEMS: 5}
    assert (after.started_at, after.trigger) == (before.started_at, before.trigger)
    assert is_verified(primary, mirror)
    for store in (primary, mirror):
        assert {v.key for v in after.volumes} | {NAME.manifest_key} == set(store.of_backups)
        assert not any(b"customer 2" in content for content in store.objects.values())
    assert (report.rows, report.erased_backups, report.is_whole) == (1, 1, True)


def test_the_erased_backup_is_restored_without_the_rows(primary: InMemoryObjectStore) -> None:
    shop = a_shop()
    back_up(shop, primary)
    erase(primary, erasure=Erasure.of("items", {"order_id": "3"}))
    empty = emptied(shop)

    report = restore(empty, primary, read_manifest(primary, NAME))

    assert report.is_whole
    assert [row["id"] for row in empty.rows(ITEMS)] == [1, 2, 4, 5]
    assert empty.rows(CUSTOMERS) == shop.rows(CUSTOMERS)


def test_a_dry_run_counts_and_changes_nothing(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    back_up(a_shop(), primary, mirror)
    before = dict(primary.objects), dict(mirror.objects)

    report = erase(primary, mirror, dry_run=True)

    [found] = report.backups
    assert (found.backup, found.rows) == (NAME.text, 1)
    assert [(s.store, s.state) for s in found.stores] == [
        ("primary", "matching"),
        ("mirror", "matching"),
    ]
    assert (dict(primary.objects), dict(mirror.objects)) == before


def test_a_backup_without_matching_rows_is_not_touched(primary: InMemoryObjectStore) -> None:
    nights = Nights(primary)
    nights.back_up(a_shop())
    later = nights.back_up(emptied(a_shop()), accept_shrink=["*"])
    untouched = {k: v for k, v in primary.objects.items() if later.backup in k}

    report = erase(primary)

    assert [found.backup for found in report.backups] != [later.backup]
    assert len(report.backups) == 1
    assert report.looked_through == 2
    assert {k: v for k, v in primary.objects.items() if later.backup in k} == untouched


def test_all_conditions_have_to_match(primary: InMemoryObjectStore) -> None:
    back_up(a_shop(), primary)

    report = erase(primary, erasure=Erasure.of("customers", {"id": "2", "name": "customer 3"}))

    assert report.backups == ()
    assert read_manifest(primary, NAME).erased == ()


def test_every_row_of_a_table_can_go(primary: InMemoryObjectStore) -> None:
    shop = InMemoryDatabase()
    shop.add_table(a_table("notes", "who text"), [{"id": n, "who": "ada"} for n in range(9)])
    shop.add_table(a_table("tags", "who text"), [{"id": n, "who": "ada"} for n in range(9)])
    back_up(shop, primary)

    erase(primary, erasure=Erasure.of("notes", {"who": "ada"}))

    tables = json.loads(document_of(primary))["tables"]
    assert (tables["public.notes"]["rows"], len(tables["public.tags"]["rows"])) == ([], 9)
    assert is_verified(primary)


def test_an_encrypted_backup_stays_encrypted_to_the_same_recipients(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    back_up(a_shop(), primary, mirror, policy=ENCRYPTED)

    report = erase(primary, mirror, key=OURS)

    after = read_manifest(primary, NAME)
    assert report.is_whole
    assert (after.compression, after.recipients) == ("zstd", (OURS.public,))
    assert all(".sql.json.zst.age.0" in v.key for v in after.volumes)
    assert all(part.sha256 is None for table in after.tables for part in table.parts)
    assert b"customer 2" not in document_of(primary, mirror, key=OURS)
    assert is_verified(primary, mirror, key=OURS)


def test_what_cannot_be_decrypted_is_named_and_nothing_is_changed(
    primary: InMemoryObjectStore,
) -> None:
    back_up(a_shop(), primary, policy=ENCRYPTED)
    before = dict(primary.objects)

    report = erase(primary, key=STRANGERS)

    [problem] = report.problems
    assert "was encrypted to" in problem.message
    assert (report.erased_backups, primary.objects) == (0, before)


def test_the_manifest_is_signed_again(primary: InMemoryObjectStore) -> None:
    store = VerifiedObjectStore(primary, KEYRING)
    back_up(a_shop(), store, keyring=KEYRING)

    assert erase(store, keyring=KEYRING).is_whole

    signed = read_manifest(store, NAME)
    assert signed.signature is not None
    assert [e.rows for e in signed.erased] == [1]


def test_an_unsigned_backup_is_named_where_signatures_are_required(
    primary: InMemoryObjectStore,
) -> None:
    back_up(a_shop(), primary)
    before = dict(primary.objects)

    report = erase(VerifiedObjectStore(primary, KEYRING), keyring=KEYRING)

    assert "is unsigned" in report.problems[0].message
    assert primary.objects == before


def test_a_signed_backup_is_not_written_anew_without_the_key(primary: InMemoryObjectStore) -> None:
    back_up(a_shop(), primary, keyring=KEYRING)
    before = dict(primary.objects)

    report = erase(primary)

    assert "is signed" in report.problems[0].message
    assert primary.objects == before


def test_a_damaged_volume_is_named_and_the_other_copy_is_enough(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    [volume] = back_up(a_shop(), primary, mirror).volumes
    flipped = BitFlippingObjectStore(primary, volume.key, 400)

    alone, both = erase(flipped), erase(flipped, mirror)

    assert "its SHA-256 is not the one in the manifest" in alone.problems[0].message
    assert (both.is_whole, both.erased_backups) == (True, 1)
    assert is_verified(primary, mirror)


def test_rows_of_a_table_whose_export_broke_off_are_erased_too(
    primary: InMemoryObjectStore,
) -> None:
    broken = ExportError("it broke off", operation="export", key=CUSTOMERS)
    shop = a_shop(FailingExportDatabase({CUSTOMERS: (2, broken)}))
    back_up(shop, primary)
    assert b"customer 2" in document_of(primary)

    report = erase(primary)

    assert report.rows == 1
    assert b"customer 2" not in document_of(primary)
    assert b'"incomplete":' in document_of(primary)


def test_a_table_that_no_backup_has_is_refused_with_the_name_that_was_meant(
    primary: InMemoryObjectStore,
) -> None:
    back_up(a_shop(), primary)

    with pytest.raises(
        InvalidRequestError, match=r"No backup has a table public\.customer$"
    ) as caught:
        erase(primary, erasure=Erasure.of("customer", {"id": "2"}))

    assert "Did you mean public.customers?" in str(caught.value.hint)


def test_a_column_that_a_backup_lacks_is_a_problem_and_not_an_absence(
    primary: InMemoryObjectStore,
) -> None:
    back_up(a_shop(), primary)

    report = erase(primary, erasure=Erasure.of("customers", {"email": "ada@example.com"}))

    assert "has no values of email" in report.problems[0].message


def test_a_masked_column_matches_nothing_and_is_a_problem(primary: InMemoryObjectStore) -> None:
    policy = BackupPolicy.parse(
        '[[table]]\nname = "customers"\nmask = { name = "null" }\n[retention]\nkeep_within_days = 7'
    )
    back_up(a_shop(), primary, policy=policy)

    report = erase(primary, erasure=Erasure.of("customers", {"name": "customer 2"}))

    assert "has no values of name" in report.problems[0].message


def test_a_backup_that_a_run_reads_is_left_for_later(primary: InMemoryObjectStore) -> None:
    back_up(a_shop(), primary)

    report = erase(primary, in_use=lambda: frozenset({NAME.text}))

    assert f"A run is reading {NAME}" in report.problems[0].message
    assert read_manifest(primary, NAME).erased == ()


def test_a_backup_that_is_made_meanwhile_is_named(primary: InMemoryObjectStore) -> None:
    class BackedUpMeanwhile(ForwardingObjectStore):
        def replace(self, key: str, content: BinaryIO) -> None:
            back_up(a_shop(), primary, name=LATER)
            super().replace(key, content)

    back_up(a_shop(), primary)
    report = erase(BackedUpMeanwhile(primary))
    again = erase(primary)

    assert report.meanwhile is not None
    assert report.meanwhile.message == f"{LATER} was made meanwhile, and was not looked through"
    assert not report.is_whole
    assert (again.meanwhile, again.is_whole, again.erased_backups) == (None, True, 1)


def test_a_backup_that_is_still_being_made_is_named(primary: InMemoryObjectStore) -> None:
    back_up(a_shop(), primary)

    report = erase(primary, is_backing_up=lambda: True)

    assert report.meanwhile is not None
    assert report.meanwhile.message == "A backup was made meanwhile, and was not looked through"
    assert erase(primary, dry_run=True, is_backing_up=lambda: True).meanwhile is None


def test_objects_that_are_locked_are_named_with_the_time(primary: InMemoryObjectStore) -> None:
    [volume] = back_up(a_shop(), primary).volumes
    locked = ObjectLockedError(
        f"{volume.key} in primary is still locked until 2027-01-01 00:00 UTC",
        operation="delete",
        key=volume.key,
    )

    report = erase(FailingObjectStore(primary, "delete", error=locked))

    [found] = report.backups
    [store] = found.stores
    assert (store.state, store.left) == ("not erased", (volume.key,))
    assert "still locked until 2027-01-01" in report.problems[0].message
    assert b"customer 2" not in document_of(primary)


def test_a_store_that_takes_nothing_keeps_its_copy_and_the_next_run_goes_on(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    back_up(a_shop(), primary, mirror, policy=ENCRYPTED)

    first = erase(primary, FailingObjectStore(mirror, "put"), key=OURS)
    with pytest.raises(CopiesDifferError):
        reader_of(primary, mirror)
    second = erase(primary, mirror, key=OURS)

    assert [(s.store, s.state) for s in first.backups[0].stores] == [
        ("primary", "erased"),
        ("mirror", "not erased"),
    ]
    assert not first.is_whole
    assert second.is_whole
    assert mirror.of_backups == primary.of_backups
    assert is_verified(primary, mirror, key=OURS)


def test_where_every_store_fails_nothing_is_left_behind(primary: InMemoryObjectStore) -> None:
    back_up(a_shop(), primary, max_object_bytes=400)
    before = dict(primary.objects)

    report = erase(FailingObjectStore(primary, "put", nth=2))

    assert not report.is_whole
    assert primary.objects == before


@pytest.mark.parametrize("changes", range(6))
@pytest.mark.parametrize("killed", ["primary", "mirror"])
def test_killed_at_any_moment_each_store_has_a_good_backup_and_the_next_run_ends_it(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore, killed: str, changes: int
) -> None:
    back_up(a_shop(), primary, mirror, max_object_bytes=1000)
    stores: dict[str, ObjectStore] = {"primary": primary, "mirror": mirror}
    dying = {**stores, killed: KilledAfter(stores[killed], changes)}

    with pytest.raises(Killed):
        erase(*dying.values())
    assert all(is_verified(store) for store in (primary, mirror))

    assert erase(primary, mirror).is_whole

    manifest = read_manifest(primary, NAME)
    assert [e.rows for e in manifest.erased] == [1]
    for store in (primary, mirror):
        assert {v.key for v in manifest.volumes} | {NAME.manifest_key} == set(store.of_backups)
    assert b"customer 2" not in document_of(primary, mirror)
    assert is_verified(primary, mirror)
    assert erase(primary, mirror).backups == ()


def test_a_forged_copy_without_rows_never_gets_into_the_other_store(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    back_up(a_shop(), primary, mirror)
    erase(primary, erasure=Erasure.of("items", {"order_id": "1"}))
    before = dict(mirror.objects)

    report = erase(primary, mirror)

    assert "hold different backups" in report.problems[0].message
    assert mirror.objects == before


def test_a_store_that_cannot_be_listed_is_named(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    back_up(a_shop(), primary, mirror)
    silent = FailingObjectStore(
        mirror,
        "list",
        error=StorageUnavailableError("mirror did not answer", operation="list", key="daily"),
    )

    report = erase(primary, silent)

    assert list(report.unlisted) == ["mirror"]
    assert (report.erased_backups, report.is_whole) == (1, False)


def manifest_of_a_later_version(store: InMemoryObjectStore) -> Manifest:
    return read_manifest(store, NAME).model_copy(update={"format": "supakeep/1.9"})


def test_a_backup_of_a_later_format_is_not_written_anew(primary: InMemoryObjectStore) -> None:
    back_up(a_shop(), primary)
    primary.place(NAME.manifest_key, encode_manifest(manifest_of_a_later_version(primary)))

    report = erase(primary)

    assert "knows up to supakeep/1.1" in report.problems[0].message
