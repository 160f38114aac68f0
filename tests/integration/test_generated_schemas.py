"""Schemas and rows that nobody thought of: whatever Postgres holds comes back as it was."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from psycopg import sql

from supakeep.domain.row_changes import RestoreMode, tokens_of
from tests.builders.examples import examples
from tests.builders.generated_schemas import Generated, contents, create, schemas
from tests.builders.postgres_project import PostgresProject

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]


@given(generated=st.lists(schemas(), min_size=1, max_size=3, unique_by=lambda table: table.name))
# shrinking runs a whole backup and restore for every step
@settings(max_examples=examples(12), phases=[Phase.generate])
def test_a_generated_schema_comes_back_as_it_was(
    project: PostgresProject, generated: list[Generated]
) -> None:
    project.sql("drop schema public cascade; create schema public")
    project.sql("create type pair as (a int, b text)")
    for table in generated:
        try:
            create(project.owner, table)
        except (psycopg.errors.DuplicateTable, psycopg.errors.DuplicateColumn):
            return  # names that are alike once Postgres has cut them to 63 bytes
    before = contents(project.owner, generated)
    backup = project.back_up()

    same = project.restore(backup, mode=RestoreMode.REPLACE, dry_run=True)
    for table in generated:
        project.owner.execute(sql.SQL("truncate {}").format(sql.Identifier(table.name)))
    project.restore(backup, mode=RestoreMode.REPLACE)

    assert contents(project.owner, generated) == before
    keyed = {f"public.{table.name}" for table in generated if table.keys}
    assert {
        (table.inserted, table.updated, table.deleted)
        for table in same.tables
        if table.name in keyed
    } <= {(0, 0, 0)}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(row=st.dictionaries(st.text(), VALUES), indent=st.none() | st.integers(0, 2))
def test_the_tokens_of_a_row_are_what_stands_in_it(row: dict[str, Any], indent: int | None) -> None:
    text = json.dumps(row, ensure_ascii=False, indent=indent)

    tokens = tokens_of(text.encode(errors="surrogatepass").decode(errors="replace").encode())

    assert len(tokens) <= len(row)
    assert all(token in text for name, token in tokens.items() if name in row)
    for name in tokens.keys() & row.keys():
        assert json.loads(tokens[name]) == row[name]
