"""The mode replace for a role that may not set session_replication_role."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import sleep

import psycopg
import pytest

from supakeep.domain.row_changes import RestoreMode
from supakeep.errors import RestoreError
from tests.builders.postgres_project import PostgresProject, all_counts

pytestmark = pytest.mark.integration


@pytest.fixture
def role(project: PostgresProject) -> Iterator[str]:
    with project.weak_role() as name:
        yield name


def family(action: str) -> str:
    return (
        "create table parents (id int primary key, n int);"
        f"create table children (id int primary key, parent int references parents {action});"
        "insert into parents select n, n from generate_series(1, 2500) n;"
        "insert into children select n, n from generate_series(1, 2500) n;"
    )


@pytest.mark.parametrize(
    "action", ["on delete cascade", "on delete set null", "on delete set default"]
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_children_that_a_delete_would_change_unseen_are_refused_before(
    project: PostgresProject, role: str, action: str, dry_run: bool
) -> None:
    project.sql(family(action))
    backup = project.back_up()
    project.sql("insert into parents values (3000, 1); insert into children values (3000, 3000)")
    changed = project.dump()

    with pytest.raises(RestoreError, match=r"rows of public\.children.*public\.parents"):
        project.restore(backup, "parents", mode=RestoreMode.REPLACE, user=role, dry_run=dry_run)

    assert project.dump() == changed


@pytest.mark.parametrize(
    "action", ["", "on delete restrict", "on delete cascade", "on delete set null"]
)
def test_a_family_is_replaced_and_everything_deleted_is_reported(
    project: PostgresProject, role: str, action: str
) -> None:
    project.sql(family(action))
    before, backup = project.dump(), project.back_up()
    project.sql(
        "insert into parents values (0, 0), (3000, 1), (3001, 1);"
        "insert into children values (3000, 3000), (3001, 0);"
        "update children set parent = 3001 where id = 5; update parents set n = -1 where id = 7;"
        "delete from children where id = 9"
    )

    dry = project.restore(backup, mode=RestoreMode.REPLACE, user=role, dry_run=True)
    done = project.restore(backup, mode=RestoreMode.REPLACE, user=role)

    assert all_counts(done) == {
        "public.parents": (0, 1, 3, 2499),
        "public.children": (1, 1, 2, 2498),
    }
    assert all_counts(dry) == all_counts(done)
    assert project.dump() == before


@pytest.mark.parametrize("action", ["", "on delete cascade", "on delete set null"])
def test_rows_of_a_tree_are_deleted_whatever_they_refer_to_and_counted(
    project: PostgresProject, role: str, action: str
) -> None:
    project.sql(
        f"create table tree (id int primary key, parent int references tree {action});"
        "insert into tree values (1, null), (2, 1)"
    )
    before, backup = project.dump(), project.back_up()
    project.sql("insert into tree values (0, null), (-1, 0), (3, 0), (4, 3)")
    project.sql("insert into tree select n, n - 1 from generate_series(5, 3000) n")

    dry = project.restore(backup, mode=RestoreMode.REPLACE, user=role, dry_run=True)
    done = project.restore(backup, mode=RestoreMode.REPLACE, user=role)

    assert all_counts(done) == {"public.tree": (0, 0, 3000, 2)}
    assert all_counts(dry) == all_counts(done)
    assert project.dump() == before


def test_a_table_without_a_key_that_others_refer_to_is_refused(
    project: PostgresProject, role: str
) -> None:
    project.sql(
        "create table parents (id int unique);"
        "create table children (id int primary key, parent int references parents (id) on delete cascade);"
        "insert into parents values (1); insert into children values (1, 1)"
    )
    backup = project.back_up()

    with pytest.raises(RestoreError, match=r"public\.parents has no primary key"):
        project.restore(backup, mode=RestoreMode.REPLACE, user=role)

    assert project.rows("select count(*) from children") == [(1,)]


def test_a_cascade_from_one_partition_is_refused_before_anything_is_deleted(
    project: PostgresProject,
) -> None:
    project.sql(
        "create table t (id int primary key) partition by range (id);"
        "create table t_all partition of t default;"
        "create table kids (id int primary key, t int references t_all on delete cascade)"
    )
    project.sql("insert into t values (1)")
    backup = project.back_up()
    project.sql("insert into t values (2); insert into kids values (1, 2)")

    with (
        project.weak_role() as role,
        pytest.raises(RestoreError, match=r"would change rows of public\.kids"),
    ):
        project.restore(backup, "t", mode=RestoreMode.REPLACE, user=role)

    assert project.rows("select id from kids") == [(1,)]


SPOIL = """
create table t (id int primary key, v text); insert into t select n, 'v' || n from generate_series(1, 5) n;
create function spoil() returns trigger language plpgsql as $$begin new.v := 'spoiled'; return new; end$$;
"""
WAITS = "select from pg_locks where not granted and relation = 't'::regclass"


def test_a_trigger_that_comes_while_the_restore_waits_for_its_locks_is_noticed(
    project: PostgresProject,
) -> None:
    project.sql(SPOIL)
    backup = project.back_up()
    project.sql("delete from t where id > 2; update t set v = 'x'")

    with project.weak_role() as role, psycopg.connect(project.url()) as other:
        other.execute(
            "create trigger spoil before insert or update on t for each row execute function spoil()"
        )
        with ThreadPoolExecutor(1) as pool:
            restoring = pool.submit(project.restore, backup, user=role)
            while not project.rows(WAITS):
                sleep(0.02)
            other.commit()
            report = restoring.result()

    assert [table.altered for table in report.tables] == [5]


def test_what_fires_in_a_session_that_is_a_replica_by_its_settings_is_noticed(
    project: PostgresProject,
) -> None:
    project.sql(SPOIL)
    backup = project.back_up()
    project.sql(
        "delete from t where id > 2; update t set v = 'x';"
        "create trigger spoil before insert or update on t for each row execute function spoil();"
        "alter table t enable replica trigger spoil"
    )

    with project.weak_role() as role:
        project.superuser(
            f"alter role {role} in database {project.name} set session_replication_role = replica"
        )
        report = project.restore(backup, user=role)

    assert [table.altered for table in report.tables] == [5]
