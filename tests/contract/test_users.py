"""Users in a backup: who logs in again, what is never taken, and that nobody writes them unasked."""

from __future__ import annotations

import pytest

from supakeep.archive.reader import BackupReader
from supakeep.databases.postgres.database import PostgresDatabase
from supakeep.domain.manifest import BackupStatus, Manifest
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.restore import RestoreReport, RestoreRequest
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.summary import BackupSummary
from supakeep.errors import InvalidRequestError, UnsafeOperationError
from supakeep.usecases.restore_backup import RestoreBackup
from tests.builders.backups import back_up
from tests.builders.manifests import PROJECT
from tests.builders.postgres_project import PostgresProject
from tests.builders.supabase_auth import ANNA, AUTH_ROWS, AUTH_SCHEMA, BEN
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import NeverExpires

pytestmark = pytest.mark.integration

EVERYTHING = BackupPolicy.parse('[backup]\ntables = "*"')
USERS = ["auth.identities", "auth.mfa_factors", "auth.sso_providers", "auth.users"]
CREDITS = "create table credits (user_id uuid primary key references auth.users on delete cascade)"

Backup = tuple[InMemoryObjectStore, Manifest]


@pytest.fixture
def backup(project: PostgresProject) -> Backup:
    project.sql(AUTH_SCHEMA + AUTH_ROWS + CREDITS)
    project.sql("insert into credits select id from auth.users")
    store = InMemoryObjectStore()
    return store, back_up(project.database, store, policy=EVERYTHING)


def restore(
    project: PostgresProject,
    backup: Backup,
    *users: str,
    tables: tuple[str, ...] | None = None,
    mode: RestoreMode = RestoreMode.MERGE,
    dry_run: bool = False,
) -> RestoreReport:
    store, manifest = backup
    use_case = RestoreBackup(
        project.database, PROJECT, EVERYTHING, NeverExpires(), InMemoryProgress()
    )
    request = RestoreRequest(
        name=manifest.backup,
        confirm=PROJECT,
        tables=tables,
        users=users or None,
        mode=mode,
        dry_run=dry_run,
    )
    return use_case(request, BackupReader(manifest, [store]))


def test_a_backup_has_the_users_and_no_session(backup: Backup) -> None:
    store, manifest = backup

    assert [table.name for table in manifest.tables] == [*USERS, "public.credits"]
    assert manifest.status is BackupStatus.COMPLETE
    assert manifest.users_problem is None
    stored = b"".join(store.objects.values())
    assert b"$2a$10$" in stored
    for secret in (b"a-refresh-token", b"a-one-time-token", b"an-auth-code", b'"login"'):
        assert secret not in stored


def test_a_restore_leaves_users_alone_and_says_so(project: PostgresProject, backup: Backup) -> None:
    project.sql("update auth.users set encrypted_password = 'new'; delete from credits")

    report = restore(project, backup)

    assert [table.name for table in report.tables] == ["public.credits"]
    assert report.is_whole
    [said] = [warning for warning in report.warnings if "--auth" in warning]
    assert said.startswith("The users (auth.identities, auth.mfa_factors, ")
    assert project.rows("select distinct encrypted_password from auth.users") == [("new",)]


def test_all_users_come_back_with_what_the_database_generates(
    project: PostgresProject, backup: Backup
) -> None:
    query = "select u, i from auth.users u join auth.identities i on i.user_id = u.id order by u.id"
    before = project.rows(query)
    project.sql("delete from auth.users; delete from auth.sso_providers")

    rehearsed = restore(project, backup, "all", dry_run=True)
    assert {table.name: table.inserted for table in rehearsed.tables} == {
        "auth.users": 2, "auth.identities": 2, "auth.mfa_factors": 1, "auth.sso_providers": 1,
    }  # fmt: skip
    assert project.rows("select from auth.users") == []

    restore(project, backup, "all")
    assert project.rows(query) == before
    assert project.rows("select from auth.sessions") == []


@pytest.mark.parametrize("who", [ANNA, "anna@EXAMPLE.com"])
def test_one_account_comes_back_with_its_rows(
    project: PostgresProject, backup: Backup, who: str
) -> None:
    project.sql("delete from auth.users; delete from auth.sso_providers")

    report = restore(project, backup, who)

    assert {table.name: table.inserted for table in report.tables} == {
        "auth.users": 1, "auth.identities": 1, "auth.mfa_factors": 1,
    }  # fmt: skip
    assert [str(row[0]) for row in project.rows("select id from auth.users")] == [ANNA]


def test_a_user_who_is_not_in_the_backup_is_refused(
    project: PostgresProject, backup: Backup
) -> None:
    with pytest.raises(InvalidRequestError, match=r"has no user carl@example\.com"):
        restore(project, backup, BEN, "carl@example.com")


def test_replace_does_not_delete_the_other_users(project: PostgresProject, backup: Backup) -> None:
    with pytest.raises(UnsafeOperationError, match=r"auth\.\w+ that were never backed up"):
        restore(project, backup, ANNA, mode=RestoreMode.REPLACE)


def test_a_database_without_users_is_backed_up_with_a_warning(project: PostgresProject) -> None:
    project.sql("create table t (id int primary key)")

    manifest = back_up(project.database, InMemoryObjectStore(), policy=EVERYTHING)

    assert manifest.status is BackupStatus.COMPLETE
    [warning] = BackupSummary.of(manifest, ["primary"]).warnings
    assert warning.startswith("The users are not in this backup: the database has no table auth.")


@pytest.mark.parametrize("grants", ["", "grant select on all tables in schema auth to {}"])
def test_a_role_that_may_not_read_users_backs_up_the_rest(
    project: PostgresProject, grants: str
) -> None:
    """Without a grant, and with one that leaves it to policies which rows it sees."""
    role = f"{project.name}_reader"
    project.sql(AUTH_SCHEMA + AUTH_ROWS + CREDITS)
    project.superuser(
        f"create role {role} login; grant select on credits to {role}; "
        f"grant usage on schema auth to {role}; {grants.format(role)}"
    )
    try:
        reading = PostgresDatabase(project.url(role))
        manifest = back_up(reading, InMemoryObjectStore(), policy=EVERYTHING)
    finally:
        project.superuser(f"drop owned by {role}; drop role {role}")

    assert manifest.status is BackupStatus.COMPLETE
    assert "auth.users" not in {table.name for table in manifest.tables}
    assert manifest.users_problem is not None
    assert f"{role} may not read auth.identities" in manifest.users_problem.message


def test_users_are_left_out_where_the_policy_says_so(project: PostgresProject) -> None:
    project.sql(AUTH_SCHEMA + AUTH_ROWS + CREDITS)
    policy = BackupPolicy.parse('[backup]\ntables = "*"\nauth = false')

    manifest = back_up(project.database, InMemoryObjectStore(), policy=policy)

    assert [table.name for table in manifest.tables] == ["public.credits"]
    assert manifest.users_problem is None
