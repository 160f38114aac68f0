"""Types of the contrib extensions, which Debian's PostgreSQL has and the wheel's has not."""

from __future__ import annotations

import psycopg
import pytest

from tests.builders.postgres_project import PostgresProject, all_counts

pytestmark = pytest.mark.integration


@pytest.fixture
def contrib_project(any_project: PostgresProject) -> PostgresProject:
    try:
        any_project.superuser("create extension hstore; create extension citext")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this build of PostgreSQL has no contrib extensions")
    return any_project


def test_hstore_wherever_it_stands_comes_back_as_it_was(contrib_project: PostgresProject) -> None:
    project = contrib_project
    project.sql(
        "create type labelled as (name text, labels hstore);"
        "create domain tags as hstore;"
        "create table t (id citext primary key, r hstore, many hstore[], one labelled,"
        " several labelled[], kept tags);"
        """insert into t values
           ('B', 'a=>1, "b c"=>NULL', array['a=>"x,y"', null, '"q\\"uote"=>"{}"']::hstore[],
            row('n', 'k=>v'), array[row('m', '"1"=>"2"')::labelled], 'z=>"\\\\"'),
           ('a', '', '{}', row(null, null), null, null),
           ('c', null, null, null, '{}', '')"""
    )
    before, backup = project.dump(), project.back_up()
    project.sql("delete from t where id = 'A'; update t set r = 'a=>2', many = null, one = null")

    assert all_counts(project.restore(backup)) == {"public.t": (1, 2, 0, 0)}
    assert project.dump() == before
