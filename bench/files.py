"""A project with thousands of files in its Storage, and rclone, which copies the same ones."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from bench.contenders import Supakeep
from bench.measure import Contender
from devstack.processes.children import essential_environment
from devstack.processes.ports import accepts_connections, free_port, wait_until

if TYPE_CHECKING:
    from devstack.processes.children import Children
    from devstack.supabase.lite import SupabaseLite

BUCKET = "pictures"
POLICY = f'[backup]\ntables = "*"\nauth = false\n[backup.files]\nbuckets = "{BUCKET}"\n'
FILE_BYTES = 50_000
# which part of the files is another one before the next run
CHANGED = 100
_AT_ONCE = 8
_KEYS = ("bench", "the-secret-of-the-benchmark")


@dataclass(frozen=True)
class ManyFiles:
    """`number` files of 50 kB in the bucket `pictures`. `supakeep` backs them up, and `rclone` copies them."""

    lite: SupabaseLite
    supakeep: Supakeep
    rclone: Rclone
    number: int

    def fill(self) -> None:
        with self._storage() as storage:
            storage.post("bucket", json={"id": BUCKET, "name": BUCKET}).raise_for_status()
            self._upload(storage, range(self.number), version=0)

    def change(self) -> None:
        """One in a hundred gets other bytes."""
        with self._storage() as storage:
            self._upload(storage, range(0, self.number, CHANGED), version=1)

    def first_backup(self, name: str) -> Contender:
        return self.supakeep.backup(name, POLICY)

    def next_backup(self, name: str) -> Contender:
        return self.supakeep.next_backup(name, POLICY)

    def _storage(self) -> httpx.Client:
        headers = {"apikey": self.lite.secret_key, "x-upsert": "true"}
        return httpx.Client(base_url=f"{self.lite.url}/storage/v1", headers=headers, timeout=60)

    def _upload(self, storage: httpx.Client, numbers: Iterable[int], *, version: int) -> None:
        def upload(number: int) -> None:
            content = _content(number, version)
            headers = {"content-type": "image/webp"}
            address = f"object/{BUCKET}/{number % 97}/{number}.webp"
            storage.post(address, content=content, headers=headers).raise_for_status()

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(upload, numbers):
                pass


@dataclass(frozen=True)
class Rclone:
    """rclone over HTTP: what serves it reads the very files that Storage serves. `folder` takes the copies."""

    port: int
    folder: Path

    def first_copy(self, name: str) -> Contender:
        def clear() -> None:
            shutil.rmtree(self.folder, ignore_errors=True)

        return self._copy(name, clear)

    def next_copy(self, name: str) -> Contender:
        return self._copy(name, lambda: None)

    def _copy(self, name: str, prepare: Callable[[], None]) -> Contender:
        key, secret = _KEYS
        remote = (
            f":s3,provider=Rclone,endpoint='http://127.0.0.1:{self.port}',"
            f"access_key_id={key},secret_access_key={secret}:{BUCKET}"
        )
        command: list[str | Path] = [
            _program(),
            "copy",
            remote,
            str(self.folder),
            f"--transfers={_AT_ONCE}",
        ]
        return Contender(name, command, _environment(self.folder), prepare)


def serve_with_rclone(children: Children, lite: SupabaseLite, folder: Path) -> Rclone:
    """Serves the folder of Storage's objects by S3's protocol, which Supabase Lite does not have."""
    port = free_port()
    child = children.start(
        "rclone",
        [_program(), "serve", "s3", lite.storage_folder, f"--addr=127.0.0.1:{port}", f"--auth-key={','.join(_KEYS)}"],
        environment=_environment(folder),
        folder=folder,
    )  # fmt: skip
    wait_until(lambda: accepts_connections(port), child)
    return Rclone(port, folder / "copies")


def _program() -> Path:
    return Path(sys.executable).with_name("rclone")


def _environment(folder: Path) -> dict[str, str]:
    return essential_environment() | {"RCLONE_CONFIG": str(folder / "none.conf")}


def _content(number: int, version: int) -> bytes:
    """Bytes that no compression makes smaller, and no two files share."""
    return hashlib.shake_128(f"{number} {version}".encode()).digest(FILE_BYTES)
