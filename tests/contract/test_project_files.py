"""The files of a project, read from a Storage that runs."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from uuid import uuid4

import httpx
import psycopg
import pytest

from devstack import PROJECT
from devstack.supabase.lite import SupabaseLite
from supakeep.domain.project_file import Bucket, ProjectFile
from supakeep.errors import FileChangedError, ObjectNotFoundError, StorageError
from supakeep.stores.supabase_files import SupabaseFiles
from tests.builders.command_line import run_supakeep
from tests.builders.ordinary_tools import path_with_tools
from tests.contract.conftest import Servers
from tests.fakes.storage_server import URL, InMemoryStorageServer

pytestmark = pytest.mark.integration

NAMES = ["a.txt", "folder/b c.txt", "folder/emoji 🐘.txt", f"long/{'x' * 250}"]


class Service(NamedTuple):
    """Where a Storage answers, and with which key and client."""

    url: str
    key: str
    http: httpx.Client

    @property
    def files(self) -> SupabaseFiles:
        return SupabaseFiles(self.url, self.key, "backups", client=self.http)


@pytest.fixture(params=["lite", "in memory"])
def service(request: pytest.FixtureRequest, http: httpx.Client) -> Iterator[Service]:
    """Each Storage that tests of files run with."""
    if request.param == "lite":
        lite = request.getfixturevalue("servers").lite
        yield Service(lite.url, lite.secret_key, http)
        return
    with InMemoryStorageServer().client() as client:
        yield Service(URL, "sb_secret_x", client)


class Storage:
    """A bucket of its own, as an application uses it."""

    def __init__(self, service: Service, bucket: str) -> None:
        self._url = f"{service.url}/storage/v1"
        self._headers = {"apikey": service.key}
        self._http = service.http
        self._bucket = bucket
        body = {"id": bucket, "name": bucket, "public": False, "allowed_mime_types": ["text/plain"]}
        self._http.post(f"{self._url}/bucket", headers=self._headers, json=body).raise_for_status()

    def upload(self, name: str, content: bytes) -> None:
        address = f"{self._url}/object/{quote(self._bucket)}/{quote(name)}"
        headers = {**self._headers, "content-type": "text/plain", "x-upsert": "true"}
        self._http.post(address, headers=headers, content=content).raise_for_status()

    def delete(self, name: str) -> None:
        address = f"{self._url}/object/{quote(self._bucket)}"
        body = {"prefixes": [name]}
        self._http.request("DELETE", address, headers=self._headers, json=body).raise_for_status()

    def download(self, name: str) -> bytes:
        address = f"{self._url}/object/{quote(self._bucket)}/{quote(name)}"
        return self._http.get(address, headers=self._headers).raise_for_status().content


def test_files_are_listed_read_and_known_again(service: Service) -> None:
    bucket = f"files {uuid4().hex}"
    storage, files = Storage(service, bucket), service.files
    for name in NAMES:
        storage.upload(name, name.encode())

    listed = list(files.files(bucket))

    assert [file.name for file in listed] == NAMES
    assert [file.size_bytes for file in listed] == [len(name.encode()) for name in NAMES]
    assert {file.content_type for file in listed} == {"text/plain"}
    [attributes] = [found.attributes for found in files.buckets() if found.id == bucket]
    assert attributes["allowed_mime_types"] == ["text/plain"]
    for file in listed:
        with files.read(file) as pieces:
            assert b"".join(pieces) == file.name.encode()
    assert list(files.files(bucket, "folder/b")) == [listed[1]]
    assert list(files.files(bucket)) == listed

    storage.upload("a.txt", b"another")

    with pytest.raises(FileChangedError), files.read(listed[0]) as pieces:
        b"".join(pieces)
    [changed] = files.files(bucket, "a.txt")
    assert changed.version_key(()) != listed[0].version_key(())

    gone = type(changed)(bucket, "gone", "x", 1, "2026")
    with pytest.raises(ObjectNotFoundError), files.read(gone):
        pass


def test_files_are_written_with_what_belongs_to_them(service: Service) -> None:
    bucket, files = f"files {uuid4().hex}", service.files
    made = Bucket(
        bucket, {"public": True, "allowed_mime_types": ["image/png"], "file_size_limit": None}
    )
    file = ProjectFile(
        bucket, "a b/🐘.png", "x", 7, "", content_type="image/png", cache_control="max-age=7"
    )

    files.make_bucket(made)
    files.make_bucket(made)
    files.write(file, io.BytesIO(b"another"))
    files.write(file, io.BytesIO(b"content"))

    [found] = [found for found in files.buckets() if found.id == bucket]
    assert found.attributes.items() >= made.attributes.items()
    [written] = files.files(bucket)
    assert (written.name, written.size_bytes) == (file.name, 7)
    assert (written.content_type, written.cache_control) == ("image/png", "max-age=7")
    with files.read(written) as pieces:
        assert b"".join(pieces) == b"content"
    with pytest.raises(StorageError):
        files.write(replace(file, content_type="text/plain"), io.BytesIO(b"no picture"))


class Shell:
    """A folder with a supakeep.toml for one table and one bucket; the command line works in it."""

    def __init__(self, lite: SupabaseLite, folder: Path, bucket: str) -> None:
        policy = f'[[table]]\nname = "{bucket}"\n[backup.files]\nbuckets = "{bucket}"\n'
        (folder / "supakeep.toml").write_text(f"{policy}max_bytes = 250\n")
        self.folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "SUPABASE_URL": lite.url,
            "SUPABASE_PROJECT_REF": "local",
            "SUPABASE_SERVICE_ROLE_KEY": lite.secret_key,
            "XDG_STATE_HOME": str(folder / "state"),
        }

    def supakeep(self, *arguments: str) -> str:
        done = run_supakeep(*arguments, environment=self._environment, folder=self.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def newest_files(self) -> dict[str, bytes | None]:
        """What the newest backup has, read as the format says."""
        newest = max(self.folder.glob("copies/daily/*.files.ndjson"))
        files = [json.loads(line).get("file") for line in newest.read_text().splitlines()]
        keys = {file["name"]: file.get("key") for file in files if file}
        return {
            n: (self.folder / "copies" / k).read_bytes() if k else None for n, k in keys.items()
        }


def test_files_are_backed_up_once_and_come_back_from_a_shell(
    servers: Servers, http: httpx.Client, owner: psycopg.Connection, tmp_path: Path
) -> None:
    bucket = f"shell-{uuid4().hex}"
    lite = servers.lite
    storage = Storage(Service(lite.url, lite.secret_key, http), bucket)
    shell = Shell(lite, tmp_path, bucket)
    for name in NAMES:
        storage.upload(name, name.encode())
    owner.execute(f'create table public."{bucket}" (id int primary key)')
    owner.execute(f'grant select on public."{bucket}" to service_role')

    first = shell.supakeep("backup", "--to", "copies")

    assert shell.newest_files() == {**{n: n.encode() for n in NAMES[:-1]}, NAMES[-1]: None}
    assert "Files: 3 in 1 bucket," in first
    assert "1 left out as too large" in first
    storage.upload("new.txt", b"new")
    storage.upload("a.txt", b"changed")

    second = shell.supakeep("backup", "--to", "copies")

    assert (shell.newest_files()["new.txt"], shell.newest_files()["a.txt"]) == (b"new", b"changed")
    assert "2 of them copied now" in second
    storage.upload("folder/b c.txt", b"overwritten")
    storage.delete("a.txt")
    restore = ("restore", "latest", "--from", "copies", "--files")

    dry_run = shell.supakeep(*restore, bucket, "--dry-run")

    assert f"  missing: {bucket}/a.txt" in dry_run
    assert f"  changed: {bucket}/folder/b c.txt" in dry_run
    shell.supakeep(*restore, f"{bucket}/a.txt", "--confirm", "local")
    assert storage.download("a.txt") == b"changed"
    assert storage.download("folder/b c.txt") == b"overwritten"
    shell.supakeep(*restore, f"{bucket}/folder", "--confirm", "local")
    assert storage.download("folder/b c.txt") == b"folder/b c.txt"
    _restore_as_documented(tmp_path / "copies", servers.lite, storage)


def _restore_as_documented(folder: Path, lite: SupabaseLite, storage: Storage) -> None:
    """What docs/format.md shows for files brings back what is changed and what is gone."""
    text = (PROJECT / "docs/format.md").read_text()
    script = re.findall(
        r"^```bash\n(.*?)^```", text.partition("## Files\n")[2], re.MULTILINE | re.DOTALL
    )[0]
    storage.upload("a.txt", b"overwritten")
    storage.delete("new.txt")
    newest = max(folder.glob("daily/*.files.ndjson"))
    name = newest.name.removesuffix(".files.ndjson")
    (folder / "key.header").write_text(f"apikey: {lite.secret_key}\n")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder, check=False, capture_output=True, text=True,
        env={"PATH": path_with_tools(folder), "NAME": name, "SUPABASE_URL": lite.url},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert storage.download("a.txt") == b"changed"
    assert storage.download("new.txt") == b"new"
