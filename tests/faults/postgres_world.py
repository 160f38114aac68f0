"""A real database with a shop in it, reached through the proxy by the `postgres` engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from supakeep.databases.postgres.database import PostgresDatabase
from supakeep.domain.manifest import Trigger
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.run import Run, RunKind, new_run_id
from supakeep.usecases.run_backup import RunBackup
from supakeep.usecases.run_restore import RunRestore
from tests.builders.lambda_events import ServedProject, settings
from tests.builders.manifests import PROJECT
from tests.builders.postgres_project import PostgresProject
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryDispatcher
from tests.fakes.time import FixedClock
from tests.faults.machine import NIGHT, Outcome, watched
from tests.faults.proof import good_backups, rows_of
from tests.faults.tcp import TcpFaultProxy

PASSWORD = "the-password-that-nobody-may-see"
TABLES = ("customers", "orders", "items")
SCHEMA = """
create table customers (id int primary key, name text, balance numeric);
create table orders (id int primary key, customer_id int references customers);
create table items (id int primary key, order_id int references orders, label text);
"""
FILL = """
truncate customers, orders, items;
insert into customers select n, 'customer ' || n, n + 0.10000000000000000001 from generate_series(1, 40) n;
insert into orders select n, n from generate_series(1, 40) n;
insert into items select n, n, 'label ' || n from generate_series(1, 40) n;
"""
WRECK = """
delete from items where id > 20;
update customers set balance = 0;
insert into orders values (99, 1);
"""
Rows = Mapping[str, list[str]]


@dataclass
class PostgresWorld:
    """Its database has the rows of the shop; `store` holds one good backup of them."""

    project: PostgresProject
    proxy: TcpFaultProxy
    store: InMemoryObjectStore = field(
        default_factory=lambda: InMemoryObjectStore(piece_bytes=4096)
    )
    clock: FixedClock = field(default_factory=lambda: FixedClock(NIGHT))

    @property
    def rows(self) -> Rows:
        """What is in each table, past the proxy and past Supakeep."""
        return {
            table: [
                text for (text,) in self.project.rows(f"select t::text from {table} t order by id")
            ]
            for table in TABLES
        }

    def served(self) -> ServedProject:
        url = (
            f"postgresql://postgres:{PASSWORD}@127.0.0.1:{self.proxy.own_port}/{self.project.name}"
        )
        return ServedProject(
            settings=settings(),
            database=PostgresDatabase(url),
            primary=self.store,
            mirror=None,
            dispatcher=InMemoryDispatcher(),
            clock=self.clock,
        )

    def watch(self, work: Callable[[], Any]) -> Outcome:
        """Does the work, and waits until the server has noticed its end."""
        outcome = watched(work)
        ours = "select from pg_stat_activity where application_name = 'supakeep' and datname = current_database()"
        give_up_at = time.monotonic() + 10
        while self.project.rows(ours):
            assert time.monotonic() < give_up_at
            time.sleep(0.002)
        return outcome

    def back_up(self) -> Run:
        run = self._run(RunKind.BACKUP)
        return RunBackup(self.served())(run)

    def restore(self, mode: RestoreMode = RestoreMode.MERGE) -> Run:
        [name] = {"backup_jewelshot_2026-11-21T030005Z"} & good_backups(self.store.objects)
        request = RestoreRequest(name=name, confirm=PROJECT, mode=mode)
        return RunRestore(self.served())(self._run(RunKind.RESTORE), request)

    def _run(self, kind: RunKind) -> Run:
        now = self.clock.now()
        return Run(id=new_run_id(now), kind=kind, trigger=Trigger.API, requested_at=now)

    def whole_backups(self) -> set[str]:
        """The good backups, which must have exactly the rows that the database has."""
        return {
            name
            for name in good_backups(self.store.objects)
            if {table: len(rows) for table, rows in rows_of(self.store.objects, name).items()}
            == {f"public.{table}": len(rows) for table, rows in self.rows.items()}
        }
