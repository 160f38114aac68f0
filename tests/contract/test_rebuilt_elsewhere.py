"""A rebuild into a server that is not what the project's was."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator

import pytest

from devstack.processes.children import Children
from devstack.supabase.postgres import Postgres, remove_cluster, start_postgres
from supakeep.domain.manifest import Definitions, Manifest
from supakeep.domain.policy import BackupPolicy
from tests.builders.backups import back_up
from tests.builders.dumps import dump_of
from tests.builders.postgres_project import PostgresProject, let_databases_be_made
from tests.builders.public_schemas import MEASURED
from tests.builders.rebuilds import rebuild
from tests.builders.supabase_auth import AUTH_ROWS, AUTH_SCHEMA, MANAGED
from tests.fakes.object_store import InMemoryObjectStore

pytestmark = pytest.mark.integration

POLICY = BackupPolicy.parse('[backup]\ntables = "*"')


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server two major versions behind."""
    folder = tmp_path_factory.mktemp("older")
    with Children(folder) as children:
        server = start_postgres(children, folder / "cluster", version="16")
        let_databases_be_made(server)
        yield server
    remove_cluster(folder / "cluster")


@pytest.fixture
def store() -> InMemoryObjectStore:
    return InMemoryObjectStore(piece_bytes=1024 * 1024)


@pytest.fixture
def manifest(project: PostgresProject, store: InMemoryObjectStore) -> Manifest:
    project.superuser(MEASURED.extensions)
    project.sql(AUTH_SCHEMA + AUTH_ROWS + MANAGED + MEASURED.sql)
    return back_up(project.database, store, policy=POLICY)


def test_an_older_major_version_takes_what_it_knows(
    project: PostgresProject, older: Postgres, manifest: Manifest, store: InMemoryObjectStore
) -> None:
    with PostgresProject(older) as new:
        new.superuser(MEASURED.extensions)
        new.sql(AUTH_SCHEMA + MANAGED)

        report = rebuild(new, manifest, store)

        assert report.not_rebuilt == ()
        assert _without_versions(dump_of(new)) == _without_versions(dump_of(project))
        assert new.rows("select id from auth.users order by 1") == project.rows(
            "select id from auth.users order by 1"
        )


def test_an_extension_that_the_server_lacks_costs_what_needs_it_and_nothing_else(
    project: PostgresProject, manifest: Manifest, store: InMemoryObjectStore
) -> None:
    lacking = _with_definitions(manifest, store, lambda sql: sql.replace(b"vector", b"geography"))

    with PostgresProject(project.server) as new:
        report = rebuild(new, lacking, store)

        why = {lost.what: lost for lost in report.not_rebuilt}
        extension = why["extension geography"]
        assert "not available" in extension.why
        assert extension.hint is not None
        assert "Enable the extension" in extension.hint
        assert "geography" in why["table public.documents"].why
        assert why["rows of public.documents"].why
        assert new.rows("select count(*) from readings") == [(90,)]
        assert new.rows("select count(*) from notes") == [(3,)]


def test_a_role_that_may_not_write_users_brings_the_rest_back(
    project: PostgresProject, manifest: Manifest, store: InMemoryObjectStore
) -> None:
    with PostgresProject(project.server) as new:
        role = f"{new.name}_owner"
        new.superuser(f"{MEASURED.extensions}; create role {role} login; {AUTH_SCHEMA}")
        new.superuser(
            f"grant all on database {new.name} to {role}; grant all on schema public to {role}"
        )
        try:
            report = rebuild(new, manifest, store, role)
            readings = new.rows("select count(*) from readings")
        finally:
            new.superuser(f"drop owned by {role} cascade; drop role {role}")

    [users] = [lost for lost in report.not_rebuilt if lost.what == "rows of auth.users"]
    assert users.why == "the role may not write the table"
    assert users.hint == "Use the role postgres, and rebuild again with --merge."
    assert readings == [(90,)]


def _without_versions(dump: str) -> list[str]:
    lines = [line for line in dump.splitlines() if not line.startswith(("-- Dumped", "SET "))]
    # since PostgreSQL 18, NOT NULL has a name
    return [re.sub(r'CONSTRAINT "\w+_not_null" ', "", line) for line in lines]


def _with_definitions(
    manifest: Manifest, store: InMemoryObjectStore, change: Callable[[bytes], bytes]
) -> Manifest:
    """The backup as if the project had had other definitions."""
    assert manifest.definitions is not None
    stored = manifest.definitions.stored
    assert stored is not None
    content = change(store.objects[stored.key])
    store.place(stored.key, content)
    digest = hashlib.sha256(content).hexdigest()
    other = stored.model_copy(update={"bytes": len(content), "sha256": digest})
    return manifest.model_copy(update={"definitions": Definitions(stored=other)})
