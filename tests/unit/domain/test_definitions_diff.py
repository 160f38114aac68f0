from __future__ import annotations

import pytest

from supakeep.domain.definitions_diff import DefinitionChange, DefinitionStatus, definition_changes
from supakeep.domain.definitions_script import Definition, DefinitionsScript

CREDITS = "CREATE TABLE public.credits (\n    id integer NOT NULL,\n    balance numeric\n);"


def a_script(*definitions: tuple[str, str, str]) -> DefinitionsScript:
    """Of kind, name and SQL each, in the schema public."""
    made = tuple(Definition(kind, "public", name, sql) for kind, name, sql in definitions)
    return DefinitionsScript(before_rows=made)


def changes(before: DefinitionsScript, after: DefinitionsScript) -> list[DefinitionChange]:
    return definition_changes(before, after)[0]


def test_the_same_definitions_have_not_changed_whatever_their_order() -> None:
    table, view = ("TABLE", "credits", CREDITS), ("VIEW", "v", "CREATE VIEW public.v AS SELECT 1;")

    assert definition_changes(a_script(table, view), a_script(view, table)) == ([], 2)


def test_the_order_of_columns_and_of_rights_says_nothing() -> None:
    turned = "CREATE TABLE public.credits (\n    balance numeric,\n    id integer NOT NULL\n);"
    reads, writes = "GRANT SELECT ON TABLE t TO a;", "GRANT INSERT ON TABLE t TO b;"
    before = a_script(("TABLE", "credits", CREDITS), ("ACL", "TABLE t", f"{reads}\n{writes}"))
    after = a_script(("TABLE", "credits", turned), ("ACL", "TABLE t", f"{writes}\n{reads}"))

    assert definition_changes(before, after) == ([], 2)


def test_the_order_within_a_function_says_something() -> None:
    before = a_script(("FUNCTION", "f()", "select 1;\nselect 2;"))
    after = a_script(("FUNCTION", "f()", "select 2;\nselect 1;"))

    assert [change.status for change in changes(before, after)] == [DefinitionStatus.CHANGED]


def test_of_a_changed_table_only_the_lines_that_changed_are_shown() -> None:
    retyped = CREDITS.replace("balance numeric", "balance integer,\n    note text")

    [change] = changes(
        a_script(("TABLE", "credits", CREDITS)), a_script(("TABLE", "credits", retyped))
    )

    assert (str(change), change.status) == ("table public.credits", DefinitionStatus.CHANGED)
    assert change.removed_lines == ("balance numeric",)
    assert change.added_lines == ("balance integer", "note text")


def test_what_is_gone_and_what_is_new_is_named() -> None:
    policy = ("POLICY", "credits own rows", "CREATE POLICY ...;")
    index = ("INDEX", "credits_idx", "CREATE INDEX ...;")

    found, same = definition_changes(a_script(policy), a_script(index))

    assert [(str(change), change.status.value) for change in found] == [
        ("policy public.credits own rows", "removed"),
        ("index public.credits_idx", "added"),
    ]
    assert same == 0


def test_overloaded_functions_and_several_comments_are_told_apart() -> None:
    one = ("FUNCTION", "f(integer)", "create function f(integer)")
    other = ("FUNCTION", "f(text)", "create function f(text)")
    comments = [("COMMENT", "TABLE t", f"COMMENT {n}") for n in (1, 2)]

    assert changes(a_script(one, other, *comments), a_script(*comments[::-1], other, one)) == []
    [change] = changes(a_script(one, other, *comments), a_script(one, other, comments[0]))
    assert change.removed_lines == ("COMMENT 2",)


FUNCTION = "CREATE FUNCTION public.f() RETURNS text LANGUAGE sql AS $$ select '{}' $$;"
TABLE = "CREATE TABLE public.t (\n    a text DEFAULT '{}',\n    b text\n);"


@pytest.mark.parametrize(("kind", "sql"), [("FUNCTION", FUNCTION), ("TABLE", TABLE)])
@pytest.mark.parametrize(
    ("before", "after"),
    [("a\n\nb", "a\nb"), ("a\n  b", "a\nb"), ("a\u2028b", "a\nb"), ("a,\nb", "b\na,")],
)
def test_a_value_of_several_lines_is_compared_as_it_is(
    kind: str, sql: str, before: str, after: str
) -> None:
    old, new = (a_script((kind, "x", sql.format(value))) for value in (before, after))

    [change] = changes(old, new)

    assert change.status is DefinitionStatus.CHANGED
    if kind == "TABLE":
        assert change.removed_lines == (f"a text DEFAULT '{before}'",)
