"""Keys that are equal and written differently: a restore brings the backup's spelling back."""

from __future__ import annotations

import psycopg
import pytest

from tests.contract.caseless import CASELESS
from tests.contract.conftest import Servers
from tests.contract.exporting import upsert
from tests.contract.workbench import SupabaseWorkbench

pytestmark = pytest.mark.integration

LIVE = "insert into {schema}.t values "
SPELLINGS = [
    ("numeric", "1.0", "1.00"),
    ("float8", "'-0'", "0"),
    ("{schema}.caseless", "'STRASSE'", '"strasse"'),
    ("{schema}.title", "'STRASSE'", '"strasse"'),
    ("interval", "'24:00'", '"1 day"'),
]


@pytest.mark.parametrize(("kind", "live", "kept"), SPELLINGS)
def test_an_equal_key_comes_back_as_the_backup_spells_it(
    supabase: SupabaseWorkbench, servers: Servers, kind: str, live: str, kept: str
) -> None:
    if "schema" in kind:
        with psycopg.connect(servers.postgres.url("supabase_admin")) as superuser:
            supabase.execute(CASELESS, connection=superuser)
            supabase.execute(
                "create domain {schema}.title as {schema}.caseless", connection=superuser
            )
    table = supabase.made(
        f"create table {{schema}}.t (id {kind} primary key, note text); {LIVE}({live}, 'a')"
    )
    row = f'{{"id":{kept},"note":"a"}}'

    planned = upsert(supabase, table, row, dry_run=True)
    done = upsert(supabase, table, row)

    assert (planned.updated, done.updated, done.altered) == (1, 1, 0)
    assert upsert(supabase, table, row).unchanged == 1
    [(spelled,)] = supabase.owner.execute(f'select id::text from "{supabase.schema}".t'.encode())
    assert spelled == kept.strip('"')


def test_a_key_that_has_one_spelling_is_not_written_again(supabase: SupabaseWorkbench) -> None:
    table = supabase.made(
        "create table {schema}.t (id int, code text, note text, primary key (id, code));"
        f"{LIVE}(1, 'x', 'old');"
        "create function {schema}.refuse() returns trigger language plpgsql as"
        " $$ begin raise 'keys stay'; end $$;"
        "create trigger refuse before update of id, code on {schema}.t"
        " for each row execute function {schema}.refuse()"
    )

    assert upsert(supabase, table, '{"id":1,"code":"x","note":"new"}').updated == 1
