"""The commands that are measured: Supakeep's, and those that people use today."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.comparisons import BY_HAND, CUSTOM, DIRECTORY, REBUILD, REFILL, SCHEMA_ONLY
from bench.measure import Contender
from bench.store import Store, size_of
from devstack.processes.children import essential_environment
from devstack.supabase.postgres import Postgres

PROJECT = Path(__file__).parent.parent
PROJECT_REF = "bench-local"
EVERYTHING = '[backup]\ntables = "*"\n'
COMPRESSED = f'{EVERYTHING}[storage]\ncompression = "zstd"\nlevel = 1\n'


@dataclass(frozen=True)
class Supakeep:
    """The command line, in its own process; `address` is the environment that leads it to the project."""

    store: Store
    folder: Path
    address: Mapping[str, str]
    destination: str

    def backup(self, name: str, policy: str = EVERYTHING) -> Contender:
        """Backs up every table of `public`, or what the policy says, into the store, which is emptied
        before.
        """
        file = self.folder / f"{name}.toml"
        file.write_text(policy)
        options = ["backup", "--to", self.store.address, "--config", str(file)]
        return self._contender(name, options, self.store.clear, self.store.size_bytes)

    def next_backup(self, name: str, policy: str) -> Contender:
        """Another one beside those that are there."""
        return replace(self.backup(name, policy), prepare=lambda: None)

    def restore(self, name: str, prepare: Callable[[], None]) -> Contender:
        """Restores the newest backup in the default mode, without an undo backup, because pg_restore makes none."""
        options = ["restore", "latest", "--from", self.store.address, "--confirm", self.destination]
        options += ["--no-undo"]
        return self._contender(name, options, prepare)

    def drill(self, name: str) -> Contender:
        """Restores the newest backup into a PostgreSQL that is started for it, and compares every row."""
        options = ["drill", "latest", "--from", self.store.address]
        return self._contender(name, options, lambda: None)

    def _contender(
        self,
        name: str,
        options: Sequence[str],
        prepare: Callable[[], None],
        stored_bytes: Callable[[], int] = lambda: 0,
    ) -> Contender:
        command = [sys.executable, "-m", "supakeep", *options]
        environment = {**python_environment(), **self.store.environment, **self.address}
        return Contender(name, command, environment, prepare, stored_bytes)


@dataclass(frozen=True)
class PgDump:
    """pg_dump and pg_restore of the server's own version; `folder` takes the dumps."""

    server: Postgres
    folder: Path

    def custom(self) -> Contender:
        """pg_dump's defaults: one process, gzip at its usual level."""
        return self._dump(CUSTOM, ["--format=custom"], self.folder / "whole.dump")

    def directory(self) -> Contender:
        """Two processes, gzip at its fastest level."""
        options = ["--format=directory", "--jobs=2", "--compress=gzip:1"]
        return self._dump(DIRECTORY, options, self._directory)

    def definitions(self) -> Contender:
        """No rows."""
        options = ["--format=plain", "--schema-only"]
        return self._dump(SCHEMA_ONLY, options, self.folder / "schema.sql")

    def rows(self) -> Contender:
        """Only the rows. Only in such a dump does pg_dump put parents before children."""
        return self._dump("pg_dump --data-only", ["--format=custom", "--data-only"], self._rows)

    def restore_rows(self, prepare: Callable[[], None]) -> Contender:
        """Only the rows, into existing tables."""
        return self._restore(REFILL, ["--data-only"], self._rows, prepare)

    def restore_all(self, prepare: Callable[[], None]) -> Contender:
        """Drops the tables and creates them again in two processes, indexes last."""
        options = ["--clean", "--jobs=2"]
        return self._restore(REBUILD, options, self._directory, prepare)

    def everything(self) -> Contender:
        """Every schema, as one who restores it elsewhere needs it."""
        whole = partial(shutil.rmtree, self._everything, ignore_errors=True)
        options = ["--format=directory", "--jobs=2", "--compress=gzip:1"]
        command = [*options, f"--file={self._everything}", self.server.url("supabase_admin")]
        return self._contender("pg_dump of everything", "pg_dump", command, whole)

    def drill(self) -> Contender:
        """What everything() has written, restored into a server that is started for it, and dumped again."""
        script = Path(__file__).with_name("restore_by_hand.py")
        command = [sys.executable, str(script), str(self._everything)]
        environment = python_environment(str(PROJECT))
        return Contender(BY_HAND, command, environment, lambda: None)

    @property
    def _everything(self) -> Path:
        return self.folder / "everything"

    @property
    def _rows(self) -> Path:
        return self.folder / "rows.dump"

    @property
    def _directory(self) -> Path:
        return self.folder / "whole"

    def _dump(self, name: str, options: Sequence[str], target: Path) -> Contender:
        def prepare() -> None:
            if target.is_dir():
                shutil.rmtree(target)
            target.unlink(missing_ok=True)

        command = ["--schema=public", *options, f"--file={target}", self.server.url()]
        return self._contender(name, "pg_dump", command, prepare, partial(size_of, target))

    def _restore(
        self, name: str, options: Sequence[str], dump: Path, prepare: Callable[[], None]
    ) -> Contender:
        command = ["--exit-on-error", f"--dbname={self.server.url()}", *options, str(dump)]
        return self._contender(name, "pg_restore", command, prepare)

    def _contender(
        self,
        name: str,
        program: str,
        options: Sequence[str | Path],
        prepare: Callable[[], None],
        stored_bytes: Callable[[], int] = lambda: 0,
    ) -> Contender:
        command = [self.server.binaries / program, *options]
        return Contender(name, command, essential_environment(), prepare, stored_bytes)


def supabase_loop(
    name: str, file: Path, tables: Sequence[str], address: Mapping[str, str]
) -> Contender:
    """The loop that people write with supabase-py, into a file."""
    script = Path(__file__).with_name("supabase_loop.py")
    command = [sys.executable, str(script), str(file), *tables]
    return Contender(name, command, {**python_environment(), **address}, lambda: None)


def python_environment(*further: str) -> dict[str, str]:
    """What a Python process of this project needs, installed or not."""
    path = ":".join([f"{PROJECT / 'layers/shared/src'}", *further])
    return essential_environment() | {"PYTHONPATH": path}
