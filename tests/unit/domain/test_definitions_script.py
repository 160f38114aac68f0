from __future__ import annotations

from supakeep.domain.definitions_script import read_script

HEAD = "--\n-- Name: {}; Type: {}; Schema: {}; Owner: -\n--\n\n"
SCRIPT = (
    "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc123\n\n"
    "-- Dumped from database version 17\n\nSET statement_timeout = 0;\n"
    "SELECT pg_catalog.set_config('search_path', '', false);\n\n"
    + HEAD.format("f()", "FUNCTION", "public")
    + "CREATE FUNCTION public.f() RETURNS text LANGUAGE sql\n    AS $_$\nselect 'a;b' || $1;\n"
    + HEAD.format("fake", "INDEX", "public")
    + "\\restrict within\n$_$;\n\n\n"
    + HEAD.format("t; x", "TABLE", "public")
    + "CREATE TABLE public.\"t; x\" (\n    a text DEFAULT 'it''s; \\' || E'\\';'\n);\n\n\n"
    + HEAD.format("t t_pkey", "CONSTRAINT", "public")
    + "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (a);\n\n\n"
    + HEAD.format("TABLE t", "ACL", "public")
    + 'REVOKE ALL ON TABLE public.t FROM anon;\nGRANT SELECT ON TABLE public.t TO "a;b";\n\n\n'
    + "--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc123\n"
)


def test_it_is_cut_at_the_objects_and_not_within_what_they_hold() -> None:
    script = read_script(SCRIPT)

    assert script.settings == (
        "SET statement_timeout = 0;",
        "SELECT pg_catalog.set_config('search_path', '', false);",
    )
    assert [str(d) for d in script.before_rows] == ["function public.f()", "table public.t; x"]
    assert [str(d) for d in script.after_rows] == [
        "constraint public.t t_pkey",
        "acl public.TABLE t",
    ]
    function, table = script.before_rows
    assert function.sql.endswith("\\restrict within\n$_$;")
    assert table.statements == (
        "CREATE TABLE public.\"t; x\" (\n    a text DEFAULT 'it''s; \\' || E'\\';'\n);",
    )


def test_grants_are_cut_into_statements() -> None:
    grants = read_script(SCRIPT).after_rows[-1]

    assert "unrestrict" not in grants.sql
    assert grants.statements == (
        "REVOKE ALL ON TABLE public.t FROM anon;",
        'GRANT SELECT ON TABLE public.t TO "a;b";',
    )


def test_a_script_without_objects_has_only_settings() -> None:
    script = read_script("\\restrict x\n\nSET a = 1;\n\n\\unrestrict x\n")

    assert script.settings == ("SET a = 1;",)
    assert script.definitions == ()


def test_what_pg_dump_says_at_its_end_belongs_to_no_object() -> None:
    script = read_script(SCRIPT)

    assert script.after_rows[-1].sql.endswith('GRANT SELECT ON TABLE public.t TO "a;b";')


def test_event_triggers_come_last_since_they_may_fire_at_each_of_the_others() -> None:
    event = HEAD.format("stop", "EVENT TRIGGER", "-") + "CREATE EVENT TRIGGER stop;\n\n\n"
    policy = HEAD.format("objects mine", "POLICY", "storage") + "CREATE POLICY mine;\n\n\n"

    script = read_script(event + policy)

    assert [definition.kind for definition in script.after_rows] == ["POLICY", "EVENT TRIGGER"]
