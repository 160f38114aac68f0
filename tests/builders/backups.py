"""A small shop with rows in it, and real backups of it in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from supakeep.archive.reader import BackupReader
from supakeep.archive.signature import Keyring
from supakeep.domain.backup_name import BackupName
from supakeep.domain.manifest import Manifest, Trigger
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.restore import RestoreReport, RestoreRequest
from supakeep.domain.row_changes import RestoreMode
from supakeep.ports import Clock, Deadline, ObjectStore, SourceDatabase, TargetDatabase
from supakeep.usecases.create_backup import CreateBackup
from supakeep.usecases.restore_backup import RestoreBackup
from supakeep.usecases.store_files import StoreFiles
from tests.builders.manifests import PROJECT
from tests.builders.tables import a_table
from tests.fakes.database import ForeignKey, InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import NOON, FixedClock, NeverExpires

EVERYTHING = BackupPolicy.parse('[backup]\ntables = "*"')
CUSTOMERS, ORDERS, ITEMS = "public.customers", "public.orders", "public.items"
NAME = BackupName.timed(PROJECT, NOON)


def a_shop(database: InMemoryDatabase | None = None) -> InMemoryDatabase:
    """Customers have orders, orders have items; five rows each, numbers beyond a double among them."""
    shop = database or InMemoryDatabase()
    numbers = range(1, 6)
    shop.add_table(
        a_table("customers", "name text", "balance numeric"),
        [
            b'{"id":%d,"name":"customer %d","balance":%d.10000000000000000001}' % (n, n, n)
            for n in numbers
        ],
    )
    shop.add_table(
        a_table("orders", "customer_id", references=(CUSTOMERS,)),
        [{"id": n, "customer_id": n} for n in numbers],
        foreign_keys=[ForeignKey("customer_id", CUSTOMERS, "id")],
    )
    shop.add_table(
        a_table("items", "order_id", "label text", references=(ORDERS,)),
        [{"id": n, "order_id": n, "label": "line\nbreak, and [brackets]"} for n in numbers],
        foreign_keys=[ForeignKey("order_id", ORDERS, "id")],
    )
    return shop


def emptied(shop: InMemoryDatabase, database: InMemoryDatabase | None = None) -> InMemoryDatabase:
    """A database with the shop's tables, each without rows."""
    empty = database or InMemoryDatabase()
    tables = shop.catalog().tables
    empty.add_table(tables[CUSTOMERS])
    empty.add_table(tables[ORDERS], foreign_keys=[ForeignKey("customer_id", CUSTOMERS, "id")])
    empty.add_table(tables[ITEMS], foreign_keys=[ForeignKey("order_id", ORDERS, "id")])
    return empty


def back_up(
    source: SourceDatabase,
    primary: ObjectStore,
    mirror: ObjectStore | None = None,
    *further: ObjectStore,
    policy: BackupPolicy = EVERYTHING,
    max_object_bytes: int = 10_000_000,
    name: BackupName = NAME,
    deadline: Deadline | None = None,
    progress: InMemoryProgress | None = None,
    clock: Clock | None = None,
    accept_shrink: Sequence[str] = (),
    trigger: Trigger = Trigger.CLI,
    keyring: Keyring | None = None,
    files: StoreFiles | None = None,
) -> Manifest:
    create = CreateBackup(
        source=source,
        primary=primary,
        copies=[*([mirror] if mirror else []), *further],
        policy=policy,
        project=PROJECT,
        max_object_bytes=max_object_bytes,
        clock=clock or FixedClock(),
        deadline=deadline or NeverExpires(),
        progress=progress or InMemoryProgress(),
        accept_shrink=accept_shrink,
        keyring=keyring,
        files=files,
    )
    return create(name, trigger)


class Nights:
    """Backs a database up once a night into the same stores."""

    def __init__(self, store: ObjectStore, mirror: ObjectStore | None = None) -> None:
        self.clock = FixedClock(NOON)
        self._stores = (store, mirror)

    def back_up(
        self,
        database: SourceDatabase,
        policy: BackupPolicy = EVERYTHING,
        **options: Any,
    ) -> Manifest:
        self.clock.advance(days=1)
        name = BackupName.timed(PROJECT, self.clock.now())
        return back_up(
            database, *self._stores, policy=policy, name=name, clock=self.clock, **options
        )


def restore(
    target: TargetDatabase,
    store: ObjectStore,
    manifest: Manifest,
    *tables: str,
    confirm: str | None = PROJECT,
    dry_run: bool = False,
    mode: RestoreMode = RestoreMode.MERGE,
    allow_other_project: bool = False,
    project: str = PROJECT,
    deadline: Deadline | None = None,
    progress: InMemoryProgress | None = None,
    where: dict[str, str] | None = None,
    policy: BackupPolicy | None = None,
    safeguard: Callable[[Sequence[str]], Manifest] | None = None,
) -> RestoreReport:
    use_case = RestoreBackup(
        target=target,
        project=project,
        policy=policy or BackupPolicy.of_tables(entry.name for entry in manifest.tables),
        deadline=deadline or NeverExpires(),
        progress=progress or InMemoryProgress(),
        safeguard=safeguard,
    )
    request = RestoreRequest(
        name=manifest.backup,
        confirm=confirm,
        tables=tables or None,
        dry_run=dry_run,
        mode=mode,
        where=where,
        allow_other_project=allow_other_project,
    )
    return use_case(request, BackupReader(manifest, [store]))


def document_of(store: ObjectStore, manifest: Manifest) -> bytes:
    """The volumes, joined in order."""
    document = b""
    for volume in manifest.volumes:
        with store.read(volume.key) as pieces:
            document += b"".join(pieces)
    return document


def tables_in(store: ObjectStore, manifest: Manifest) -> dict[str, dict[str, Any]]:
    """The document's tables, read as JSON; numbers are Decimals."""
    document = json.loads(document_of(store, manifest), parse_float=Decimal, parse_int=Decimal)
    tables: dict[str, dict[str, Any]] = document["tables"]
    return tables


def manifests_in(store: InMemoryObjectStore) -> list[str]:
    """The keys of the manifests that a store holds."""
    return [key for key in store.objects if key.endswith(".manifest.json")]
