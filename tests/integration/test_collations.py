"""Nondeterministic collations, which only a server with ICU has."""

from __future__ import annotations

import psycopg
import pytest

from tests.builders.postgres_project import PostgresProject, all_counts

pytestmark = pytest.mark.integration
LOOSE = "create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"


def test_text_arrays_under_a_nondeterministic_collation_come_back(
    any_project: PostgresProject,
) -> None:
    project = any_project
    try:
        project.sql(LOOSE)
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this build of PostgreSQL has no ICU, and so no nondeterministic collation")
    project.sql(
        "create table t (id int primary key, words text[] collate loose);"
        "insert into t values (1, '{a,B}'), (2, '[0:1]={x,y}'), (3, null)"
    )
    before, backup = project.dump(), project.back_up()
    project.sql("delete from t where id = 2; update t set words = '{A,b}' where id = 1")

    assert all_counts(project.restore(backup)) == {"public.t": (1, 1, 0, 1)}
    assert project.dump() == before
