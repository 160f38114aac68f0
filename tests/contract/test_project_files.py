"""The files of a project, read from a Storage that runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import httpx
import psycopg
import pytest

from devstack import PROJECT
from devstack.supabase.lite import SupabaseLite
from supakeep.errors import FileChangedError, ObjectNotFoundError
from supakeep.stores.supabase_files import SupabaseFiles
from tests.builders.ordinary_tools import path_with_tools
from tests.contract.conftest import Servers

pytestmark = pytest.mark.integration

NAMES = ["a.txt", "folder/b c.txt", "folder/emoji 🐘.txt", f"long/{'x' * 250}"]


class Storage:
    """A bucket of its own, as an application uses it."""

    def __init__(self, lite: SupabaseLite, http: httpx.Client, bucket: str) -> None:
        self._url = f"{lite.url}/storage/v1"
        self._headers = {"apikey": lite.secret_key}
        self._http = http
        self._bucket = bucket
        body = {"id": bucket, "name": bucket, "public": False, "allowed_mime_types": ["text/plain"]}
        http.post(f"{self._url}/bucket", headers=self._headers, json=body).raise_for_status()

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


def test_files_are_listed_read_and_known_again(servers: Servers, http: httpx.Client) -> None:
    lite, bucket = servers.lite, f"files {uuid4().hex}"
    storage = Storage(lite, http, bucket)
    for name in NAMES:
        storage.upload(name, name.encode())
    files = SupabaseFiles(lite.url, lite.secret_key, "backups", client=http)

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


def test_a_backup_from_a_shell_holds_the_files_and_the_next_one_only_what_is_new(
    servers: Servers, http: httpx.Client, owner: psycopg.Connection, tmp_path: Path
) -> None:
    bucket = f"shell-{uuid4().hex}"
    storage = Storage(servers.lite, http, bucket)
    for name in NAMES:
        storage.upload(name, name.encode())
    owner.execute(f'create table public."{bucket}" (id int primary key)')
    owner.execute(f'grant select on public."{bucket}" to service_role')
    policy = (
        f'[[table]]\nname = "{bucket}"\n[backup.files]\nbuckets = "{bucket}"\nmax_bytes = 250\n'
    )
    (tmp_path / "supakeep.toml").write_text(policy)
    environment = {
        "PATH": os.environ["PATH"],
        "SUPABASE_URL": servers.lite.url,
        "SUPABASE_PROJECT_REF": "local",
        "SUPABASE_SERVICE_ROLE_KEY": servers.lite.secret_key,
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }

    def back_up() -> tuple[str, dict[str, bytes]]:
        made = subprocess.run(
            [sys.executable, "-m", "supakeep", "backup", "--to", "copies"],
            cwd=tmp_path, env=environment, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert made.returncode == 0, made.stdout + made.stderr
        [tree] = sorted((tmp_path / "copies/daily").glob("*.files.ndjson"))[-1:]
        files = [json.loads(line).get("file") for line in tree.read_text().splitlines()]
        held = {file["name"]: file.get("key") for file in files if file}
        assert held.pop(NAMES[-1], None) is None, "the last one is larger than max_bytes"
        return made.stdout, {n: (tmp_path / "copies" / key).read_bytes() for n, key in held.items()}

    first, contents = back_up()
    assert contents == {name: name.encode() for name in NAMES[:-1]}
    assert "Files: 3 in 1 buckets" in first
    assert "1 left out as too large" in first
    storage.upload("new.txt", b"new")
    storage.upload("a.txt", b"changed")

    second, contents = back_up()

    assert (contents["new.txt"], contents["a.txt"]) == (b"new", b"changed")
    assert "2 of them copied now" in second

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
