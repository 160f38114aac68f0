"""What Postgres refuses in a restore is refused by its dry run too."""

from __future__ import annotations

import pytest

from supakeep.domain.row_changes import RestoreMode
from supakeep.errors import SupakeepError
from tests.builders.postgres_project import PostgresProject, all_counts

pytestmark = pytest.mark.integration

KEYED = "create table t (id int primary key, n int);"
KEYLESS = "create table t (id int, n int);"
ROWS = "insert into t values (1, 1), (2, 2), (3, 3)"
CHANGES = "delete from t where n < 3; insert into t values (9, 9);"
MERGE, MISSING, REPLACE = RestoreMode.MERGE, RestoreMode.MISSING_ONLY, RestoreMode.REPLACE
UPDATE_RULE = "create rule watch as on update to t do also select 1;"
INSERT_RULE = "create rule watch as on insert to t do also select 1;"
ALWAYS = "alter table t enable always rule watch"
UNIDENTIFIED = "alter table t replica identity nothing; create publication {name} for table t"


@pytest.mark.parametrize(
    ("table", "change", "mode", "message"),
    [
        (KEYED, UPDATE_RULE, MERGE, "rule watch ON UPDATE"),
        (KEYED, UPDATE_RULE, MISSING, "rule watch ON UPDATE"),
        (KEYED, UPDATE_RULE + "alter table t disable rule watch", MERGE, "rule watch ON UPDATE"),
        (KEYED, INSERT_RULE + ALWAYS, MERGE, "rule watch ON INSERT"),
        (
            KEYED,
            "create rule watch as on delete to t do instead nothing;" + ALWAYS,
            REPLACE,
            "rule watch ON DELETE",
        ),
        (KEYED, UNIDENTIFIED, MERGE, "does not have a replica identity and publishes updates"),
        (KEYED, UNIDENTIFIED, REPLACE, "does not have a replica identity and publishes"),
        (
            KEYLESS,
            "create publication {name} for table t",
            REPLACE,
            "does not have a replica identity and publishes deletes",
        ),
        (
            KEYED,
            "create publication {name} for table t where (n > 1)",
            MERGE,
            "publication WHERE expression",
        ),
    ],
)
def test_a_dry_run_is_refused_as_the_restore_is(
    project: PostgresProject, table: str, change: str, mode: RestoreMode, message: str
) -> None:
    project.sql(table + ROWS)
    backup = project.back_up()
    project.sql(CHANGES)
    project.sql(change.format(name=project.name))
    changed = project.dump()

    refused = []
    for dry_run in (True, False):
        with pytest.raises(SupakeepError, match=message) as error:
            project.restore(backup, mode=mode, dry_run=dry_run)
        refused.append((error.value.message, error.value.hint))

    # which of the two statements comes first differs where both are refused
    assert refused[0] == refused[1] or mode is REPLACE
    assert all("public.t" in message and hint for message, hint in refused)
    assert project.dump() == changed


@pytest.mark.parametrize("change", [UPDATE_RULE, INSERT_RULE + ALWAYS])
def test_such_a_rule_is_no_obstacle_in_an_empty_table(
    project: PostgresProject, change: str
) -> None:
    project.sql(KEYED + ROWS)
    backup = project.back_up()
    project.sql("delete from t;" + change)

    dry, done = (project.restore(backup, dry_run=dry_run) for dry_run in (True, False))

    assert all_counts(dry) == all_counts(done) == {"public.t": (3, 0, 0, 0)}


def test_a_role_that_may_not_delete_is_refused_in_the_dry_run(project: PostgresProject) -> None:
    project.sql(KEYED + ROWS)
    backup = project.back_up()
    project.sql(CHANGES)
    project.superuser(
        "alter table t owner to supabase_admin; grant select, insert, update on t to postgres"
    )

    for dry_run in (True, False):
        assert all_counts(project.restore(backup, dry_run=True)) == {"public.t": (2, 0, 0, 1)}
        with pytest.raises(SupakeepError, match=r"Permission denied for table public\.t"):
            project.restore(backup, mode=REPLACE, dry_run=dry_run)


def test_a_new_column_that_demands_a_value_is_reported_by_the_dry_run(
    project: PostgresProject,
) -> None:
    project.sql(KEYED + ROWS)
    backup = project.back_up()
    project.sql("delete from t; alter table t add z int not null")

    for dry_run in (True, False):
        with pytest.raises(SupakeepError, match=r"public\.t\.z cannot hold null"):
            project.restore(backup, dry_run=dry_run)


def test_a_new_column_whose_domain_has_a_default_is_filled(project: PostgresProject) -> None:
    project.sql(KEYED + ROWS)
    backup = project.back_up()
    project.sql("delete from t; create domain d as int default 7; alter table t add z d not null")

    dry, done = (project.restore(backup, dry_run=dry_run) for dry_run in (True, False))

    assert all_counts(dry) == all_counts(done) == {"public.t": (3, 0, 0, 0)}
    assert project.rows("select distinct z from t") == [(7,)]
