"""Keys whose types are domains: not every operator takes one, and their checks are not for reading."""

from __future__ import annotations

import pytest

from supakeep.domain.row_changes import RestoreMode
from tests.builders.postgres_project import PostgresProject, all_counts

pytestmark = pytest.mark.integration

# more rows than one range has
MANY = (
    "create type mood as enum ('sad', 'ok', 'happy');"
    "create domain feeling as mood; create domain deep_feeling as feeling;"
    "create table t (id deep_feeling, n int, note text, primary key (id, n));"
    "insert into t select (case when n % 2 = 0 then 'sad' else 'happy' end)::mood, n, repeat('x', 500)"
    " from generate_series(1, 30000) n"
)


@pytest.mark.parametrize("mode", RestoreMode)
def test_a_key_of_a_domain_over_an_enum_is_read_compared_and_restored(
    project: PostgresProject, mode: RestoreMode
) -> None:
    project.sql(MANY)
    before = project.rows("select * from t order by id, n")
    backup = project.back_up()
    project.sql("delete from t where n % 100 = 0")
    project.sql("insert into t values ('ok', 7, 'new')")

    restored = project.restore(backup, mode=mode)

    replaced = mode is RestoreMode.REPLACE
    assert all_counts(restored) == {"public.t": (300, 0, 1 if replaced else 0, 29_700)}
    project.sql("delete from t where note = 'new'")
    assert project.rows("select * from t order by id, n") == before


def test_a_domains_check_is_not_made_again_to_read(project: PostgresProject) -> None:
    """It may call a function that only the owner's search path finds."""
    project.sql(
        "create function is_fine(n int) returns boolean language plpgsql as"
        " $$ begin return helped_is_fine(n); end $$;"
        "create domain fine as int; create table t (id fine primary key, note text);"
        "insert into t select n, repeat('x', 500) from generate_series(1, 30000) n;"
        "alter domain fine add constraint fine check (is_fine(value)) not valid"
    )

    _, manifest = project.back_up()

    assert [table.rows for table in manifest.tables] == [30_000]
