"""Any state of a table, restored into any other: what a restore leaves is what its mode says."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supakeep.domain.row_changes import RestoreMode
from supakeep.errors import ConstraintViolationError
from tests.builders.examples import examples
from tests.builders.postgres_project import PostgresProject, all_counts

pytestmark = pytest.mark.integration

# by key: a value that only one row may have, and one that any may have
State = Mapping[int, tuple[int | None, int]]
TABLE = (
    "drop table if exists t; create table t (id int primary key, n int, other int);"
    "create unique index on t ((n * 2)) where n > 0;"
)


@st.composite
def states(draw: st.DrawFn) -> State:
    keys = draw(st.sets(st.integers(1, 8)))
    values = draw(st.permutations(range(1, 9)))
    rows = zip(sorted(keys), values, strict=False)
    return {
        key: (draw(st.sampled_from([value, value, value, None])), draw(st.integers(0, 1)))
        for key, value in rows
    }


def fill(project: PostgresProject, state: State) -> None:
    project.sql("delete from t")
    for key, (n, other) in state.items():
        project.sql(f"insert into t values ({key}, {'null' if n is None else n}, {other})")


def rows(project: PostgresProject) -> dict[int, tuple[int | None, int]]:
    return {key: (n, other) for key, n, other in project.rows("select * from t")}


def expected(mode: RestoreMode, backup: State, live: State) -> dict[int, tuple[int | None, int]]:
    if mode is RestoreMode.REPLACE:
        return dict(backup)
    return {**live, **backup} if mode is RestoreMode.MERGE else {**backup, **live}


def is_unique(state: State) -> bool:
    values = [n for n, _ in state.values() if n is not None]
    return len(values) == len(set(values))


@pytest.mark.parametrize("connections", [1, 2])
@given(backed_up=states(), live=states(), mode=st.sampled_from(RestoreMode), weak=st.booleans())
@settings(
    max_examples=examples(10),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_restore_leaves_what_its_mode_says_or_nothing_changed(
    project: PostgresProject,
    connections: int,
    backed_up: State,
    live: State,
    mode: RestoreMode,
    weak: bool,
) -> None:
    project.connections = connections
    project.sql(TABLE)
    fill(project, backed_up)
    backup = project.back_up()
    fill(project, live)
    wanted = expected(mode, backed_up, live)

    with project.weak_role() if weak else project.strong_role() as role:
        dry = project.restore(backup, mode=mode, user=role, dry_run=True)
        assert rows(project) == live
        if not is_unique(wanted):
            with pytest.raises(ConstraintViolationError, match=r"public\.t"):
                project.restore(backup, mode=mode, user=role)
            assert rows(project) == live
            return
        done = project.restore(backup, mode=mode, user=role)

    assert rows(project) == wanted
    assert all_counts(dry) == all_counts(done)
    assert dry.tables[0].updated_rows == done.tables[0].updated_rows
