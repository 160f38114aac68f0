"""Tables are compared once more after a restore through the Data API: a trigger may write any of them."""

from __future__ import annotations

import pytest

from supakeep.domain.manifest import Manifest
from supakeep.domain.policy import BackupPolicy
from tests.builders.backups import back_up, restore
from tests.contract.workbench import SupabaseWorkbench
from tests.fakes.object_store import InMemoryObjectStore

pytestmark = pytest.mark.integration

COMMENTS = (
    "create table {schema}.comments (id int primary key, post int);"
    "insert into {schema}.comments values (7, 7), (9, 7)"
)


def backed_up(bench: SupabaseWorkbench, store: InMemoryObjectStore, *names: str) -> Manifest:
    """A backup of these tables, which are empty afterwards."""
    for name in names:
        bench.created(name)
    policy = "\n".join(f'[[table]]\nname = "{bench.schema}.{name}"' for name in names)
    manifest = back_up(bench.database, store, policy=BackupPolicy.parse(policy))
    for name in names:
        bench.execute(f"truncate {{schema}}.{name}")
    return manifest


def on_a_new_comment(bench: SupabaseWorkbench, statement: str) -> None:
    statement = statement.format(posts=f'"{bench.schema}".posts')
    bench.execute(
        "create function {schema}.fires() returns trigger language plpgsql as $$ begin "
        + statement
        + "; return null; end $$; create trigger fires after insert on {schema}.comments"
        " for each row execute function {schema}.fires()"
    )


def posts(bench: SupabaseWorkbench, rows: str) -> None:
    bench.execute("create table {schema}.posts (id int primary key, comments int)")
    bench.execute("insert into {schema}.posts " + rows)
    bench.execute(COMMENTS)


def test_rows_that_another_tables_trigger_altered_afterwards_are_reported(
    supabase: SupabaseWorkbench,
) -> None:
    store = InMemoryObjectStore()
    posts(supabase, "values (7, 2), (8, 0)")
    manifest = backed_up(supabase, store, "posts", "comments")
    on_a_new_comment(
        supabase, "update {posts} set comments = {posts}.comments + 1 where id = new.post"
    )
    supabase.execute(
        "alter table {schema}.comments add foreign key (post) references {schema}.posts"
    )

    report = restore(supabase.database, store, manifest)

    restored = {table.name.rpartition(".")[2]: table for table in report.tables}
    altered = restored["posts"]
    assert not report.is_whole
    assert (altered.inserted, altered.altered, restored["comments"].altered) == (2, 1, 0)
    assert [(row.key, row.columns) for row in altered.altered_rows] == [
        ({"id": "7"}, {"comments": ("2", "4")})
    ]


def test_rows_that_another_tables_trigger_deleted_afterwards_are_named(
    supabase: SupabaseWorkbench,
) -> None:
    """The row that was refused is missing too, and is no such row."""
    store = InMemoryObjectStore()
    posts(supabase, "select n, 0 from generate_series(1, 20) n")
    supabase.execute("update {schema}.comments set post = null")
    manifest = backed_up(supabase, store, "posts", "comments")
    supabase.execute("alter table {schema}.posts add check (id > 1)")
    supabase.execute(
        "alter table {schema}.comments add foreign key (post) references {schema}.posts"
    )
    supabase.execute("grant delete on {schema}.posts to service_role")
    on_a_new_comment(supabase, "delete from {posts} where id in (new.id, 12)")

    report = restore(supabase.database, store, manifest)

    restored = {table.name.rpartition(".")[2]: table for table in report.tables}
    altered = restored["posts"]
    assert (altered.inserted, altered.refused, altered.altered) == (19, 1, 3)
    assert [(row.key, row.columns) for row in altered.altered_rows] == [
        ({"id": "7"}, {}),
        ({"id": "9"}, {}),
        ({"id": "12"}, {}),
    ]
