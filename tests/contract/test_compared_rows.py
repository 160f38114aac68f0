"""A restore finds the rows that differ, whatever stands beside them."""

from __future__ import annotations

import pytest

from supakeep.domain.row_changes import RestoreMode
from tests.builders.postgres_project import PostgresProject

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("mode", "deleted"), [(RestoreMode.MERGE, 0), (RestoreMode.REPLACE, 1)])
def test_as_many_live_rows_need_not_be_the_same_ones(
    project: PostgresProject, mode: RestoreMode, deleted: int
) -> None:
    project.sql("create table t (id int primary key, note text)")
    project.sql("insert into t select n * 2, 'note ' || n from generate_series(1, 10) n")
    before = project.rows("select * from t order by id")

    backup = project.back_up()
    project.sql("delete from t where id = 8; insert into t values (9, 'note 4')")
    project.sql("update t set note = 'other' where id in (2, 20)")
    report = project.restore(backup, mode=mode)

    (table,) = report.tables
    assert (table.unchanged, table.updated, table.inserted) == (7, 2, 1)
    assert table.deleted == deleted
    found = project.rows("select * from t order by id")
    assert [row for row in found if row[0] != 9 or deleted] == before
