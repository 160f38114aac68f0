"""Databases and stores to measure with; nothing else uses them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.cluster import start_cluster
from bench.contenders import PROJECT_REF, PgDump, Supakeep
from bench.files import ManyFiles, serve_with_rclone
from bench.jewelshot import Jewelshot
from bench.many import ManyBackups
from bench.store import open_store
from devstack.processes.children import Children
from devstack.supabase.lite import start_supabase_lite
from devstack.supabase.migrations import apply_migrations
from devstack.supabase.postgres import Postgres, remove_cluster


@dataclass(frozen=True)
class Size:
    """Transactions: for the postgres engine, and for the rest engine. `checkpoint` is whether there
    is one between the damage of 1 % and its repair. `backups` are those of a store that has many, `files` and
    `tables` those of a project that has many.
    `quick` only shows that everything can be measured.
    """

    rows: int
    rest_rows: int
    checkpoint: bool = False
    backups: int = 5000
    files: int = 10_000
    tables: int = 300
    quick: bool = False


@dataclass(frozen=True)
class Bench:
    """A filled database, and what works on it. `address` is the project's for either engine."""

    database: Jewelshot
    supakeep: Supakeep
    pg_dump: PgDump
    folder: Path


@dataclass(frozen=True)
class Laboratory:
    """Makes benches in `folder`. `store` is `folder` or `s3`, `postgres` a version or None."""

    children: Children
    folder: Path
    store: str
    postgres: str | None

    @contextmanager
    def many_backups(self, number: int) -> Iterator[ManyBackups]:
        """A store of its own, which is filled before each run."""
        folder = self.folder / "many"
        folder.mkdir()
        try:
            yield ManyBackups(
                open_store(self.store, folder / "store", self.children), folder, number
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def many_files(self, number: int) -> Iterator[ManyFiles]:
        """A project whose Storage has so many files, of 50 kB each."""
        with self._cluster("files") as (folder, server):
            lite = start_supabase_lite(self.children, folder, server.url("supabase_admin"))
            address = {
                "SUPABASE_DB_URL": server.url(),
                "SUPABASE_PROJECT_REF": PROJECT_REF,
                "SUPABASE_URL": lite.url,
                "SUPABASE_SERVICE_ROLE_KEY": lite.secret_key,
            }
            Jewelshot(server, rows=1).fill()
            rclone = serve_with_rclone(self.children, lite, folder)
            supakeep = self._supakeep(folder, address, destination=PROJECT_REF)
            files = ManyFiles(lite, supakeep, rclone, number)
            files.fill()
            yield files

    @contextmanager
    def many_tables(self, number: int) -> Iterator[Bench]:
        """A database with so many tables, and hardly a row."""
        with self.bench(1) as bench:
            bench.database.add_tables(number)
            yield bench

    @contextmanager
    def bench(self, rows: int, *, rest: bool = False) -> Iterator[Bench]:
        """A new cluster with `rows` transactions; with `rest`, behind a Data API as well."""
        with self._cluster("rest" if rest else f"postgres-{rows}") as (folder, server):
            address = {"SUPABASE_DB_URL": server.url(), "SUPABASE_PROJECT_REF": PROJECT_REF}
            destination = f"127.0.0.1:{server.port}/postgres"
            if rest:
                lite = start_supabase_lite(self.children, folder, server.url("supabase_admin"))
                del address["SUPABASE_DB_URL"]
                destination = PROJECT_REF
                address["SUPABASE_URL"] = lite.url
                address["SUPABASE_SERVICE_ROLE_KEY"] = lite.secret_key
            database = Jewelshot(server, rows)
            database.fill()
            if rest:
                apply_migrations(server.url())
            supakeep = self._supakeep(folder, address, destination)
            yield Bench(database, supakeep, PgDump(server, folder), folder)

    @contextmanager
    def _cluster(self, name: str) -> Iterator[tuple[Path, Postgres]]:
        """A server, and a folder that goes with it."""
        folder = self.folder / name
        folder.mkdir()
        server = start_cluster(self.children, folder / "cluster", self.postgres)
        try:
            yield folder, server
        finally:
            self.children.stop(server.child)
            remove_cluster(folder / "cluster")
            shutil.rmtree(folder, ignore_errors=True)

    def _supakeep(self, folder: Path, address: Mapping[str, str], destination: str) -> Supakeep:
        store = open_store(self.store, folder / "store", self.children)
        return Supakeep(store, folder, address, destination)
