"""Definitions of real databases are compared: what pg_dump writes of two states of one."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from supakeep.archive.encryption import new_identity
from supakeep.archive.reader import BackupReader
from supakeep.cli.main import CommandLine
from supakeep.domain.backup_name import BackupName
from supakeep.errors import InvalidRequestError
from supakeep.system import NoDeadline
from supakeep.usecases.diff_definitions import diff_of_backups, diff_with_database
from tests.builders.backups import EVERYTHING, Nights, a_shop, back_up
from tests.builders.manifests import PROJECT
from tests.builders.postgres_project import PostgresProject
from tests.fakes.object_store import InMemoryObjectStore

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

SHOP = """
create table credits (id int primary key, balance numeric, "odd; name" text default '-- Name: x; Type: TABLE');
create table orders (id int primary key, customer int references credits);
create function twice(n int) returns int language sql as $$ select n * 2;
-- Name: f; Type: FUNCTION; Schema: s; Owner: -
$$;
alter table credits enable row level security;
create policy "own rows" on credits using (id = 1);
grant select on credits to anon, authenticated;
"""
MIGRATION = """
alter table credits drop column balance, add column balance integer not null default 0;
drop policy "own rows" on credits;
revoke select on credits from anon;
drop table orders;
create index on credits (balance);
create or replace function twice(n int) returns int language sql as $$ select n + n $$;
"""


def a_backup(project: PostgresProject, day: int) -> BackupReader:
    store = InMemoryObjectStore()
    name = BackupName.parse(f"backup_{PROJECT}_2026-11-{day}")
    manifest = back_up(project.database, store, policy=EVERYTHING, name=name)
    return BackupReader(manifest, [store])


def test_a_migration_is_named_object_by_object(project: PostgresProject) -> None:
    project.sql(SHOP)
    before = a_backup(project, 20)
    project.sql(MIGRATION)
    after = a_backup(project, 21)

    report = diff_of_backups(before, after, NoDeadline())

    found = {str(change): change.status.value for change in report.changes}
    assert found == {
        "acl public.TABLE credits": "changed",
        "index public.credits_balance_idx": "added",
        "policy public.credits own rows": "removed",
        "function public.twice(integer)": "changed",
        "table public.credits": "changed",
        "table public.orders": "removed",
        "constraint public.orders orders_pkey": "removed",
        "fk constraint public.orders orders_customer_fkey": "removed",
    }
    table = next(c for c in report.changes if str(c) == "table public.credits")
    assert (table.removed_lines, table.added_lines) == (
        ("balance numeric",),
        ("balance integer DEFAULT 0 NOT NULL",),
    )


def test_the_backup_after_a_migration_names_what_it_did_by_itself(project: PostgresProject) -> None:
    project.sql(SHOP)
    nights = Nights(InMemoryObjectStore())
    first = nights.back_up(project.database)
    project.sql(MIGRATION)
    project.sql("alter table credits disable row level security; create view v as select 1")

    second = nights.back_up(project.database)
    third = nights.back_up(project.database)

    since = first.backup
    assert [(c.message, c.hint is not None) for c in second.definition_changes] == [
        (f"Row level security of public.credits is gone; {since} has it", True),
        (f"The policy public.credits own rows is gone; {since} has it", True),
        (f"The function public.twice(integer) has changed since {since}", False),
        (f"The view public.v is new since {since}", False),
        (f"The grants on table public.credits have changed since {since}", True),
    ]
    assert third.definition_changes == ()


def test_the_database_is_compared_with_the_backup_of_it(project: PostgresProject) -> None:
    project.sql(SHOP)
    before = a_backup(project, 20)

    same = diff_with_database(before, project.database, "here", NoDeadline())
    project.sql("alter table orders add column total numeric")
    other = diff_with_database(before, project.database, "here", NoDeadline())

    assert same.changes == ()
    assert same.same > 6
    [change] = other.changes
    assert change.added_lines == ("total numeric",)


def test_a_backup_without_definitions_is_refused(project: PostgresProject) -> None:
    store = InMemoryObjectStore()
    without = BackupReader(Nights(store).back_up(a_shop()), [store])

    with pytest.raises(InvalidRequestError, match="has no definitions"):
        diff_with_database(without, project.database, "here", NoDeadline())


@pytest.fixture
def supakeep(project: PostgresProject, tmp_path: Path) -> Callable[..., str]:
    """Runs a command that has to succeed, with a policy that encrypts; returns what it prints."""
    public, private = new_identity()
    (tmp_path / "key.txt").write_text(f"{private}\n")
    policy = tmp_path / "supakeep.toml"
    policy.write_text(f'[backup]\ntables = "*"\n[encryption]\nrecipients = ["{public}"]\n')
    environment = {
        "SUPABASE_DB_URL": project.url(),
        "SUPABASE_PROJECT_REF": PROJECT,
        "SUPAKEEP_CONFIG": str(policy),
        "SUPAKEEP_IDENTITY_FILE": str(tmp_path / "key.txt"),
        "HOME": str(tmp_path),
    }

    def run(*arguments: str) -> str:
        out, err = io.StringIO(), io.StringIO()
        code = CommandLine(environment=environment, out=out, err=err).run(arguments)
        assert code == 0, err.getvalue()
        return out.getvalue()

    return run


def test_the_command_shows_the_objects_and_the_lines_that_changed(
    project: PostgresProject, supakeep: Callable[..., str], tmp_path: Path
) -> None:
    copies = str(tmp_path / "copies")
    project.sql(SHOP)
    supakeep("backup", "--to", copies)
    project.sql('alter table credits alter balance type int; drop policy "own rows" on credits')

    printed = supakeep("schema", "diff", "latest", "--from", copies).splitlines()
    report = json.loads(supakeep("schema", "diff", "latest", "--from", copies, "--json"))

    assert printed[1:-1] == [
        "  ~ table public.credits",
        "    - balance numeric",
        "    + balance integer",
        "  - policy public.credits own rows",
    ]
    assert printed[-1].endswith(" objects are as before")
    assert report.keys() == {"before", "after", "after_is_database", "changes", "same", "warnings"}
    assert [change["kind"] for change in report["changes"]] == ["TABLE", "POLICY"]
