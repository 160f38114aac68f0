"""The project is gone, and its Storage with it. From the copy in S3 alone, another project becomes what it was."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest

from devstack.demo.wreckage import fingerprint
from devstack.processes.children import Children
from devstack.supabase.lite import SupabaseLite, start_supabase_lite
from devstack.supabase.postgres import Postgres, remove_cluster, start_postgres
from tests.builders.command_line import run_supakeep
from tests.e2e.deployment import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.deployment import Deployment

POLICY = '[backup]\ntables = "*"\n[backup.files]\nbuckets = "portraits"\n'
PORTRAITS = {"anna.png": b"Anna" * 5_000, "folder/ben two.png": b"Ben"}
LOGINS = "select u::text from auth.users u order by id"


@dataclass(frozen=True)
class Bucket:
    """Portraits in the Storage of a project."""

    http: httpx.Client

    def fill(self) -> None:
        asked = {"id": "portraits", "name": "portraits", "public": True}
        self.http.post("bucket", json=asked).raise_for_status()
        for name, content in PORTRAITS.items():
            headers = {"content-type": "image/png"}
            sent = self.http.post(f"object/portraits/{name}", content=content, headers=headers)
            sent.raise_for_status()

    def contents(self) -> dict[str, bytes]:
        found = {name: self.http.get(f"object/portraits/{name}") for name in PORTRAITS}
        return {name: answer.raise_for_status().content for name, answer in found.items()}

    def remove(self) -> None:
        self.http.request(
            "DELETE", "object/portraits", json={"prefixes": [*PORTRAITS]}
        ).raise_for_status()
        self.http.delete("bucket/portraits").raise_for_status()


def storage_of(url: str, key: str) -> httpx.Client:
    return httpx.Client(base_url=f"{url}/storage/v1", headers={"apikey": key})


@pytest.fixture
def portraits(supakeep: Deployment) -> Iterator[Bucket]:
    with storage_of(supakeep.stack.supabase_url, supakeep.stack.service_key) as http:
        bucket = Bucket(http)
        bucket.fill()
        yield bucket
        bucket.remove()


@dataclass(frozen=True)
class NewProject:
    server: Postgres
    lite: SupabaseLite


@pytest.fixture
def new(tmp_path: Path) -> Iterator[NewProject]:
    """An empty project on a server of its own."""
    with Children(tmp_path) as children:
        server = start_postgres(children, tmp_path / "cluster")
        lite = start_supabase_lite(children, tmp_path, server.url("supabase_admin"))
        yield NewProject(server, lite)
    remove_cluster(tmp_path / "cluster")


def test_a_new_project_becomes_the_old_one_from_the_mirror_alone(
    supakeep: Deployment, portraits: Bucket, new: NewProject, tmp_path: Path
) -> None:
    policy = tmp_path / "supakeep.toml"
    policy.write_text(POLICY)
    stack = supakeep.stack
    made = supakeep.run(
        "backup", "--json", SUPABASE_DB_URL=stack.database_url, SUPAKEEP_CONFIG=str(policy)
    )
    assert made.code == 0, made.err
    name = made.json["name"]
    before, rows = portraits.contents(), fingerprint(stack.database_url)
    for key in supakeep.keys(supakeep.primary):
        supakeep.primary.delete(key)

    rebuilt = rebuild(supakeep, name, new)

    assert rebuilt.code == 0, rebuilt.out + rebuilt.err
    assert rebuilt.json["not_rebuilt"] == []
    assert fingerprint(new.server.url()) == rows
    with psycopg.connect(new.server.url()) as connection:
        assert connection.execute(LOGINS).fetchall() == supakeep.execute(LOGINS)
    with storage_of(new.lite.url, new.lite.secret_key) as http:
        assert Bucket(http).contents() == before


def rebuild(supakeep: Deployment, name: str, new: NewProject) -> Shell:
    """By a shell that knows the copy and the new project, and nothing of the old one."""
    known = {
        key: value
        for key, value in supakeep.stack.shell_environment().items()
        if key.startswith("AWS_") or key == "SIGNING_KEY"
    }
    done = run_supakeep(
        "rebuild",
        name,
        "--from",
        f"s3://{supakeep.stack.mirror_bucket}",
        "--json",
        environment={
            "PATH": os.environ["PATH"],
            **known,
            "REBUILD_DB_URL": new.server.url(),
            "REBUILD_SUPABASE_URL": new.lite.url,
            "REBUILD_SERVICE_ROLE_KEY": new.lite.secret_key,
        },
    )
    return Shell(done.returncode, done.stdout, done.stderr)
