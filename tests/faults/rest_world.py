"""A real database with a shop in it, reached through the Data API and the proxy by the `rest` engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import psycopg
from psycopg import sql

from devstack.supabase.lite import SupabaseLite
from supakeep.databases.data_api.database import SupabaseRestDatabase
from supakeep.ports import Database
from tests.builders.backups import a_shop
from tests.faults.http_faults import Asked, Reply
from tests.faults.proof import Objects
from tests.faults.proxy import FaultProxy
from tests.faults.secrets import SECRET
from tests.faults.servers import MotoAws
from tests.faults.world import World

SCHEMA = """
create table public.customers (id bigint primary key, name text, balance numeric);
create table public.orders (id bigint primary key, customer_id bigint references customers);
create table public.items (id bigint primary key, order_id bigint references orders, label text);
grant all on public.customers, public.orders, public.items to service_role;
"""
DROP = "drop table public.items, public.orders, public.customers"
# parents before children
TABLES = ("public.customers", "public.orders", "public.items")
# what belongs to one connection, and what the proxy's own client decides
_NOT_PASSED_ON = frozenset(
    ("host", "connection", "accept-encoding", "content-length", "apikey", "authorization")
)


@dataclass
class RealShop:
    """The shop's tables past the Data API, as an owner sees them whom foreign keys do not hold up."""

    owner: psycopg.Connection

    def fill(self) -> None:
        """The rows of the shop in memory, and no others."""
        self.owner.execute("truncate public.customers, public.orders, public.items")
        shop = a_shop()
        for table in TABLES:
            rows = "[" + ",".join(text.decode() for text in shop.texts(table)) + "]"
            statement = "insert into {0} select * from json_populate_recordset(null::{0}, %s)"
            self.owner.execute(sql.SQL(statement).format(_identifier(table)), [rows])

    def everything(self) -> dict[str, list[bytes]]:
        """All rows of all tables, to compare two moments."""
        select = "select t::text from {} t order by id"
        return {
            table: [
                text.encode()
                for (text,) in self.owner.execute(sql.SQL(select).format(_identifier(table)))
            ]
            for table in sorted(TABLES)
        }

    def delete(self, table: str, **key: object) -> None:
        statement = sql.SQL("delete from {} where id = %(id)s").format(_identifier(table))
        self.owner.execute(statement, key)

    def insert(self, table: str, row: Mapping[str, object]) -> None:
        """The row takes the place of one with its key."""
        self.delete(table, id=row["id"])
        statement = "insert into {0} select * from json_populate_record(null::{0}, %s)"
        self.owner.execute(sql.SQL(statement).format(_identifier(table)), [json.dumps(row)])


def _identifier(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))


@dataclass
class DataApi:
    """The project's Data API, which lets in whoever has the key of these tests."""

    lite: SupabaseLite
    client: httpx.Client

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("apikey") != SECRET["SUPABASE_SERVICE_ROLE_KEY"]:
            return Reply(401, json.dumps({"message": "Invalid API key"}).encode())
        passed_on = {
            name: value for name, value in asked.headers.items() if name not in _NOT_PASSED_ON
        }
        response = self.client.request(
            asked.method,
            f"{self.lite.url}{asked.path}",
            headers={**passed_on, "apikey": self.lite.secret_key},
            content=asked.body,
        )
        content_type = {"Content-Type": response.headers.get("content-type", "")}
        return Reply(response.status_code, response.content, content_type)


class RestWorld(World):
    """A world whose database is a real one, behind `api`."""

    def __init__(
        self, shop: RealShop, api: DataApi, proxy: FaultProxy, aws: MotoAws, seed: Objects
    ) -> None:
        shop.fill()
        super().__init__(proxy, aws, seed, shop=shop)
        proxy.servers["data api"] = api.answer

    @property
    def database(self) -> Database:
        # as patient as the clients of the stores are
        client = httpx.Client(timeout=self.timeouts.storage_seconds, follow_redirects=False)
        key = SECRET["SUPABASE_SERVICE_ROLE_KEY"]
        return SupabaseRestDatabase(self.url, key, client=client)
