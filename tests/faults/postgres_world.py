"""A real database with a shop in it, reached through the proxy by the `postgres` engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.builders.postgres_project import PostgresProject
from tests.fakes.object_store import InMemoryObjectStore
from tests.faults.machine import Outcome, watched
from tests.faults.postgres_machine import OpenStore, PostgresMachine
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


class PostgresWorld(PostgresMachine):
    """Its database has the rows of the shop; `store` holds one good backup of them."""

    def __init__(
        self, project: PostgresProject, proxy: TcpFaultProxy, store: OpenStore | None = None
    ) -> None:
        address = f"postgres:{PASSWORD}@127.0.0.1:{proxy.own_port}/{project.name}"
        super().__init__(f"postgresql://{address}", store or InMemoryObjectStore(piece_bytes=4096))
        self.project = project

    @property
    def rows(self) -> Rows:
        """What is in each table, past the proxy and past Supakeep."""
        return {
            table: [
                text for (text,) in self.project.rows(f"select t::text from {table} t order by id")
            ]
            for table in TABLES
        }

    def watch(self, work: Callable[[], Any]) -> Outcome:
        """Does the work, and waits until the server has noticed its end."""
        outcome = watched(work)
        ours = "select from pg_stat_activity where application_name = 'supakeep' and datname = current_database()"
        give_up_at = time.monotonic() + 10
        while self.project.rows(ours):
            assert time.monotonic() < give_up_at
            time.sleep(0.002)
        return outcome

    def whole_backups(self) -> set[str]:
        """The good backups, which must have exactly the rows that the database has."""
        return {
            name
            for name in good_backups(self.store.objects)
            if {table: len(rows) for table, rows in rows_of(self.store.objects, name).items()}
            == {f"public.{table}": len(rows) for table, rows in self.rows.items()}
        }
