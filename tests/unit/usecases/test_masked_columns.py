from __future__ import annotations

import hashlib
import hmac

import pytest

from supakeep.archive.reader import BackupReader
from supakeep.archive.signature import Keyring
from supakeep.domain.backup_diff import DiffStatus
from supakeep.domain.backup_name import BackupName
from supakeep.domain.drill import Rung
from supakeep.domain.manifest import Manifest, TableStatus
from supakeep.domain.policy import BackupPolicy, TablePolicy
from supakeep.ports import Rows
from supakeep.usecases.diff_backups import DiffBackups
from supakeep.usecases.diff_sides import BackupSide, database_side
from supakeep.usecases.drill_backup import DrillBackup
from supakeep.usecases.mask_rows import row_mask
from tests.builders.backups import Nights, back_up, restore, tables_in
from tests.builders.manifests import PROJECT
from tests.builders.signing import FORMER_KEY, KEYRING, SIGNING_KEY
from tests.builders.tables import a_table
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.scratch import InMemoryScratchServer
from tests.fakes.time import NOON, FixedClock, NeverExpires

PEOPLE = "public.people"
MASKING = BackupPolicy.parse(
    '[[table]]\nname = "people"\nmask = { email = "hash", phone = "null" }\n'
    '[[table]]\nname = "orders"\n'
)
PLAIN = BackupPolicy.parse('[[table]]\nname = "people"\n[[table]]\nname = "orders"\n')
LATER = BackupName.timed(PROJECT, NOON.replace(hour=15))


def people(email: str = "ada@example.com", note: str = "kept") -> InMemoryDatabase:
    database = InMemoryDatabase()
    database.add_table(
        a_table("people", "email text", "phone text", "note text"),
        [{"id": 1, "email": email, "phone": "+49 30 1", "note": note}],
    )
    database.add_table(a_table("orders"), [{"id": 7}])
    return database


def masked(lines: bytes, count: int = 1, **masks: str) -> bytes:
    policy = TablePolicy.model_validate({"mask": masks})
    return row_mask(PEOPLE, policy, KEYRING.mask_key)(Rows(lines, count)).lines


def test_a_hash_is_a_keyed_one_of_the_value_as_the_database_spells_it() -> None:
    derived = hmac.new(SIGNING_KEY.encode(), b"supakeep column masks", hashlib.sha256).digest()
    value = 'a "quoted" \u00fc\n'
    expected = hmac.new(derived, value.encode(), hashlib.sha256).hexdigest()

    row = masked(b'{"id":1,"email":"a \\"quoted\\" \\u00fc\\n"}', email="hash")

    assert row == b'{"id":1,"email":"%s"}' % expected.encode()


@pytest.mark.parametrize(
    ("row", "left"),
    [
        (b'{"email":null}', b'{"email":null}'),
        (b'{"id":1.10,"email":null,"doc":{"email":"x"}}', b'{"id":1.10,"email":null,"doc":{"email":"x"}}'),
        (b'{"n":1e400,"":{"null":["doc"]}}', b'{"n":1e400,"":{"null":["doc"]}}'),
    ],
)  # fmt: skip
def test_what_is_not_masked_stays_byte_for_byte(row: bytes, left: bytes) -> None:
    assert masked(row, email="hash") == left


def test_a_null_mask_stands_in_every_row_although_the_value_was_never_read() -> None:
    rows = masked(b'{"id":1,"n":0.10},\n{"id":2,"n":null}', 2, phone="null")

    assert rows == b'{"phone":null,"id":1,"n":0.10},\n{"phone":null,"id":2,"n":null}'
    assert masked(b"{}", phone="null") == b'{"phone":null}'


def test_another_signing_key_makes_other_hashes() -> None:
    keys = {Keyring(key).mask_key for key in (SIGNING_KEY, FORMER_KEY)}

    assert len(keys) == 2
    assert not {SIGNING_KEY.encode(), FORMER_KEY.encode()} & keys


def test_without_a_signing_key_a_table_with_hashes_fails_and_the_others_are_kept() -> None:
    store = InMemoryObjectStore()

    manifest = back_up(people(), store, policy=MASKING)

    failed, orders = manifest.entry(PEOPLE), manifest.entry("public.orders")
    assert failed is not None
    assert failed.error is not None
    assert orders is not None
    assert (failed.status, orders.status) == (TableStatus.FAILED, TableStatus.COMPLETE)
    assert failed.error.message == (
        "Column email of public.people is to be hashed, and there is no SIGNING_KEY to hash it with"
    )
    assert tables_in(store, manifest)[PEOPLE]["rows"] == []


def test_the_manifest_names_the_masks_and_not_the_columns() -> None:
    manifest = back_up(people(), InMemoryObjectStore(), policy=MASKING, keyring=KEYRING)

    entry = Manifest.model_validate_json(manifest.model_dump_json()).entry(PEOPLE)

    assert entry is not None
    assert entry.policy.mask == {"email": "hash", "phone": "null"}
    assert str(entry.policy) == "all, masked email (hash), phone (null)"
    assert [column.name for column in entry.columns] == ["id", "note"]


def test_a_column_that_is_masked_is_neither_gone_nor_new() -> None:
    nights = Nights(InMemoryObjectStore())
    nights.back_up(people(), PLAIN, keyring=KEYRING)

    assert nights.back_up(people(), MASKING, keyring=KEYRING).changes == ()
    assert nights.back_up(people(), PLAIN, keyring=KEYRING).changes == ()


def test_a_restore_says_that_no_mask_is_written() -> None:
    store, database = InMemoryObjectStore(), people()
    manifest = back_up(database, store, policy=MASKING, keyring=KEYRING)

    report = restore(database, store, manifest, "people")

    (table,) = report.tables
    assert table.unchanged == 1
    assert [note for note in report.warnings if "masked" in note] == [
        f"public.people.{column} is masked in the backup, and no mask is restored: inserted rows get its "
        "default, others keep their value"
        for column in ("email", "phone")
    ]


def test_a_drill_proves_a_backup_with_masks() -> None:
    store = InMemoryObjectStore()
    manifest = back_up(people(), store, policy=MASKING, keyring=KEYRING)
    drill = DrillBackup(
        InMemoryScratchServer(), (), FixedClock(), NeverExpires(), InMemoryProgress()
    )

    report = drill(BackupReader(manifest, [store]))

    assert report.reached is Rung.IDENTICAL
    assert report.problems == ()
    reasons = [note.why for note in report.not_proven]
    assert any("masks or leaves out" in why for why in reasons)


def test_a_comparison_leaves_masked_columns_out_and_says_so() -> None:
    store = InMemoryObjectStore()
    before = back_up(people(), store, policy=MASKING, keyring=KEYRING)
    after = back_up(people("new@x.org"), store, policy=PLAIN, keyring=KEYRING, name=LATER)
    notes = (
        "column email is left out or masked; it is not compared",
        "column phone is left out or masked; it is not compared",
    )

    for old, new in [(before, after), (after, before)]:
        side = BackupSide(BackupReader(new, [store]))
        report = DiffBackups(InMemoryProgress())(BackupReader(old, [store]), side)
        found = next(table for table in report.tables if table.table == PEOPLE)
        assert (found.status, found.notes) == (DiffStatus.SAME, notes)

    with database_side(people("new@x.org", "other"), PROJECT, before) as database:
        report = DiffBackups(InMemoryProgress(), 1)(BackupReader(before, [store]), database)
    found = next(table for table in report.tables if table.table == PEOPLE)
    assert (found.changed, found.notes) == (1, notes)
    assert found.rows[0].columns == {"note": ('"kept"', '"other"')}
