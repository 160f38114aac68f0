"""What changed about the definitions is noticed by the backup itself, which the one before remembers."""

from __future__ import annotations

import logging

import pytest

from supakeep.archive.encryption import new_identity
from supakeep.archive.manifest import encode_manifest, parse_manifest
from supakeep.archive.signature import Keyring
from supakeep.domain.definitions_diff import DefinitionStatus
from supakeep.domain.definitions_record import ObjectChange
from supakeep.domain.engine import POSTGRES
from supakeep.domain.manifest import BackupStatus, Manifest, Trigger
from supakeep.domain.policy import BackupPolicy
from supakeep.errors import ExportError
from tests.builders.backups import Nights, a_shop
from tests.builders.definitions import a_dump
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore

TABLE = ("TABLE", "orders", "CREATE TABLE public.orders (\n    id integer\n);")
OWN = ("POLICY", "orders own rows", "CREATE POLICY ... USING (user_id = 'secret');")
OPEN = ("POLICY", "orders own rows", "CREATE POLICY ... USING (true);")
SECURITY = ("ROW SECURITY", "orders", "ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY;")
GRANTS = ("ACL", "TABLE orders", "GRANT SELECT ON TABLE public.orders TO anon;")
MORE_GRANTS = ("ACL", "TABLE orders", f"{GRANTS[2]}\nGRANT INSERT ON TABLE public.orders TO anon;")
TWICE = ("FUNCTION", "twice(integer)", "CREATE FUNCTION ... select n * 2;")
TWICE_ANEW = ("FUNCTION", "twice(integer)", "CREATE FUNCTION ... select n + n;")
TRIGGER = ("TRIGGER", "orders stamp", "CREATE TRIGGER stamp ...;")
VIEW = ("VIEW", "totals", "CREATE VIEW public.totals AS SELECT 1;")
DEFAULTS = ("DEFAULT ACL", "DEFAULT PRIVILEGES FOR TABLES", "ALTER DEFAULT PRIVILEGES ...;")

REMOVED, CHANGED, ADDED = DefinitionStatus.REMOVED, DefinitionStatus.CHANGED, DefinitionStatus.ADDED
KEYRING = Keyring("k" * 32)


@pytest.fixture
def shop() -> InMemoryDatabase:
    return a_shop(InMemoryDatabase(engine=POSTGRES))


@pytest.fixture
def nights() -> Nights:
    return Nights(InMemoryObjectStore())


def an_encrypting_policy() -> BackupPolicy:
    public, _ = new_identity()
    return BackupPolicy.parse(f'[backup]\ntables = "*"\n[encryption]\nrecipients = ["{public}"]')


def told(manifest: Manifest) -> list[tuple[DefinitionStatus, str]]:
    return [(change.status, change.name) for change in manifest.definition_changes]


def test_each_kind_of_object_that_is_gone_is_a_warning_with_what_to_do(
    nights: Nights, shop: InMemoryDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    shop.definitions_sql = a_dump(TABLE, OWN, SECURITY, GRANTS, TWICE, TRIGGER, VIEW, DEFAULTS)
    before = nights.back_up(shop)
    shop.definitions_sql = a_dump(TABLE)

    manifest = nights.back_up(shop)

    has = f"gone; {before.backup} has"
    assert [change.message for change in manifest.definition_changes] == [
        f"The default privileges for tables in schema public are {has} them",
        f"Row level security of public.orders is {has} it",
        f"The policy public.orders own rows is {has} it",
        f"The trigger public.orders stamp is {has} it",
        f"The view public.totals is {has} it",
        f"The function public.twice(integer) is {has} it",
        f"The grants on table public.orders are {has} them",
    ]
    command = f"supakeep schema diff {before.backup} {manifest.backup}"
    assert all(command in (change.hint or "") for change in manifest.definition_changes)
    logged = {r.message for r in caplog.records if r.levelno == logging.WARNING}
    assert logged >= {change.message for change in manifest.definition_changes}
    # whoever migrates a schema means it: no row is lost by that
    assert manifest.status is BackupStatus.COMPLETE


def test_of_what_changed_access_is_a_warning_and_the_rest_a_note(
    nights: Nights, shop: InMemoryDatabase
) -> None:
    shop.definitions_sql = a_dump(TABLE, OWN, GRANTS, TWICE)
    nights.back_up(shop)
    shop.definitions_sql = a_dump(TABLE, OPEN, MORE_GRANTS, TWICE_ANEW, VIEW)

    manifest = nights.back_up(shop)

    assert [
        (change.status, change.name, change.hint is not None)
        for change in manifest.definition_changes
    ] == [
        (CHANGED, "public.orders own rows", True),
        (ADDED, "public.totals", False),
        (CHANGED, "public.twice(integer)", False),
        (CHANGED, "table public.orders", True),
    ]


def test_what_belongs_to_a_table_that_is_gone_or_new_is_not_named_again(
    nights: Nights, shop: InMemoryDatabase
) -> None:
    others = ("TABLE", "orders_of_others", "CREATE TABLE ...;")
    spared = ("POLICY", "orders_of_others mine", "CREATE POLICY ...;")
    column = ("ACL", "COLUMN orders.id", "GRANT SELECT(id) ...;")
    shop.definitions_sql = a_dump(TABLE, OWN, GRANTS, column, TRIGGER, SECURITY, others, spared)
    nights.back_up(shop)
    shop.definitions_sql = a_dump(others)
    gone = nights.back_up(shop)
    shop.definitions_sql = a_dump(TABLE, OWN, GRANTS, others)

    assert told(gone) == [(REMOVED, "public.orders_of_others mine")]
    assert told(nights.back_up(shop)) == []


def test_another_order_is_no_change_and_a_change_is_told_once(
    nights: Nights, shop: InMemoryDatabase
) -> None:
    shop.definitions_sql = a_dump(TABLE, OWN, GRANTS, TWICE)
    assert told(nights.back_up(shop)) == []
    shop.definitions_sql = a_dump(TWICE, GRANTS, TABLE)
    assert told(nights.back_up(shop)) == [(REMOVED, "public.orders own rows")]
    assert told(nights.back_up(shop)) == []


def test_another_pg_dump_may_spell_the_same_object_otherwise(
    nights: Nights, shop: InMemoryDatabase
) -> None:
    shop.definitions_sql = a_dump(TABLE, OWN, VIEW)
    nights.back_up(shop)
    shop.definitions_sql = a_dump(TABLE, OPEN, pg_dump=19)

    assert told(nights.back_up(shop)) == [(REMOVED, "public.totals")]


def test_an_encrypted_backup_gives_nothing_away_and_still_notices_what_is_gone(
    nights: Nights, shop: InMemoryDatabase
) -> None:
    policy = an_encrypting_policy()
    shop.definitions_sql = a_dump(TABLE, OWN, TRIGGER)
    before = nights.back_up(shop, policy)
    shop.definitions_sql = a_dump(TABLE, OPEN)

    assert told(nights.back_up(shop, policy)) == [(REMOVED, "public.orders stamp")]
    assert digests_in(before) == {None}


def test_with_a_signing_key_an_encrypted_backup_notices_what_changed(
    nights: Nights, shop: InMemoryDatabase
) -> None:
    policy = an_encrypting_policy()
    shop.definitions_sql = a_dump(TABLE, OWN)
    plain = nights.back_up(shop)
    keyed = nights.back_up(shop, policy, keyring=KEYRING)
    shop.definitions_sql = a_dump(TABLE, OPEN)

    manifest = nights.back_up(shop, policy, keyring=KEYRING)
    other_key = nights.back_up(shop, policy, keyring=Keyring("o" * 32))

    assert told(manifest) == [(CHANGED, "public.orders own rows")]
    assert digests_in(keyed).isdisjoint(digests_in(plain))
    # made with different keys, digests say nothing about each other
    assert told(keyed) == told(other_key) == []


def test_a_night_without_definitions_does_not_hide_what_changed_in_it(
    nights: Nights, shop: InMemoryDatabase
) -> None:
    shop.definitions_sql = a_dump(TABLE, OWN)
    first = nights.back_up(shop)
    shop.definitions_sql = ExportError("pg_dump failed", operation="export definitions")
    assert told(nights.back_up(shop)) == []
    shop.definitions_sql = a_dump(TABLE)

    [change] = nights.back_up(shop).definition_changes

    assert (change.name, change.before) == ("public.orders own rows", first.backup)


def test_nothing_is_claimed_of_a_backup_of_an_earlier_version(shop: InMemoryDatabase) -> None:
    store = InMemoryObjectStore()
    nights = Nights(store)
    shop.definitions_sql = a_dump(TABLE, OWN)
    manifest = nights.back_up(shop)
    assert manifest.definitions is not None
    earlier = manifest.model_copy(
        update={"definitions": manifest.definitions.model_copy(update={"record": None})}
    )
    store.delete(manifest.name.manifest_key)
    store.place(
        manifest.name.manifest_key, encode_manifest(earlier), modified_at=nights.clock.now()
    )
    shop.definitions_sql = a_dump(TABLE)

    assert told(nights.back_up(shop)) == []


def test_the_backup_before_a_restore_is_compared_with_none(
    nights: Nights, shop: InMemoryDatabase
) -> None:
    shop.definitions_sql = a_dump(TABLE, OWN)
    nights.back_up(shop)
    shop.definitions_sql = a_dump(TABLE)

    assert told(nights.back_up(shop, trigger=Trigger.PRE_RESTORE)) == []


def test_the_changes_are_read_back_as_they_were_written(
    nights: Nights, shop: InMemoryDatabase
) -> None:
    shop.definitions_sql = a_dump(TABLE, OWN)
    nights.back_up(shop)
    shop.definitions_sql = a_dump(TABLE)
    manifest = nights.back_up(shop)

    read = parse_manifest(encode_manifest(manifest), manifest.name.manifest_key)

    assert read.definitions == manifest.definitions
    [change] = read.definition_changes
    assert isinstance(change, ObjectChange)
    assert change == manifest.definition_changes[0]


def digests_in(manifest: Manifest) -> set[str | None]:
    assert manifest.definitions is not None
    assert manifest.definitions.record is not None
    kinds = manifest.definitions.record.objects.values()
    return {digest for names in kinds for digest in names.values()}
