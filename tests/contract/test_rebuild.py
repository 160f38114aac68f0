"""A whole project comes back in an empty one: what pg_dump says of both ends is the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import bcrypt
import pytest

from supakeep.archive.encoding import Encoding
from supakeep.archive.reader import BackupReader
from supakeep.databases.postgres.rebuild.project import PostgresNewProject
from supakeep.domain.manifest import Definitions, Manifest
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.rebuild import RebuildReport, RebuildRequest
from supakeep.errors import DeadlineExceededError, InvalidRequestError, UnsafeOperationError
from supakeep.ports import Deadline
from supakeep.usecases.files_time import FilesTime
from supakeep.usecases.rebuild_project import RebuildProject
from supakeep.usecases.store_files import StoreFiles
from tests.builders.backups import back_up
from tests.builders.dumps import dump_of
from tests.builders.file_backups import ALL, some_files
from tests.builders.manifests import PROJECT as REF
from tests.builders.postgres_project import PostgresProject
from tests.builders.supabase_auth import ANNA, AUTH_ROWS, AUTH_SCHEMA, PASSWORD
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.project_files import InMemoryProjectFiles
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import FixedClock, Lasts, NeverExpires

pytestmark = pytest.mark.integration

PLACE = "new.example.com/postgres"
EVERYTHING = BackupPolicy.parse(
    '[backup]\ntables = "*"\nschemas = ["public", "shop"]\n[storage]\ncompression = "zstd"'
)
PROJECT = r"""
create schema shop;
create type shop.state as enum ('open', 'paid; closed');
create domain shop.cents as bigint check (value >= 0);
create sequence shop.invoice_numbers start 1000;
create table shop.orders (
  id bigint generated always as identity primary key, owner uuid references auth.users on delete cascade,
  state shop.state not null default 'open', total shop.cents not null,
  twice bigint generated always as (total * 2) stored,
  invoice bigint default nextval('shop.invoice_numbers'), note text, at date not null default '2026-01-01',
  unique (invoice), check (note <> ''));
create table shop.lines (order_id bigint references shop.orders, label text) ;
create table shop.events (id int, day date not null, primary key (id, day)) partition by range (day);
create table shop.events_2026 partition of shop.events for values from ('2026-01-01') to ('2027-01-01');
create index on shop.orders (owner) where state = 'open';
create view shop.open_orders as select * from shop.orders where state = 'open';
create materialized view shop.totals as select owner, sum(total) from shop.orders group by owner;
create function shop.noisy() returns trigger language plpgsql as $fn$
begin
  -- a body that looks like pg_dump's own:
--
-- Name: nothing; Type: TABLE; Schema: shop; Owner: -
--
  raise exception 'the trigger fired; it''s wrong';
end $fn$;
create function shop.add_up(a int, b int) returns int language sql begin atomic; select a + b; end;
create trigger noisy before insert on shop.orders for each row execute function shop.noisy();
alter table shop.orders enable row level security;
create policy own on shop.orders for select to authenticated using (owner = '11111111-1111-4111-8111-111111111111');
grant usage on schema shop to authenticated;
grant select on shop.orders to authenticated;
comment on table shop.orders is 'one; per purchase';
alter default privileges in schema shop grant select on tables to authenticated;
create publication everything for table shop.orders;
"""
ROWS = f"""
alter table shop.orders disable trigger noisy;
insert into shop.orders (owner, state, total, note) values
  ('{ANNA}', 'paid; closed', 1200, E'a\\nb'), ('{ANNA}', 'open', 9007199254740993, null), (null, 'open', 0, 'x');
alter table shop.orders enable trigger noisy;
insert into shop.lines select 1, 'line ' || n from generate_series(1, 50) n;
insert into shop.events select n, '2026-06-01' from generate_series(1, 20) n;
refresh materialized view shop.totals;
"""


@dataclass(frozen=True)
class Backup:
    store: InMemoryObjectStore
    manifest: Manifest

    def rebuild(
        self, new: PostgresProject, deadline: Deadline | None = None, **request: object
    ) -> RebuildReport:
        rebuild = RebuildProject(
            PostgresNewProject(new.url(), PLACE),
            BackupReader(self.manifest, [self.store]),
            deadline or NeverExpires(),
            InMemoryProgress(),
        )
        return rebuild(RebuildRequest.model_validate(request))


@pytest.fixture
def backup(project: PostgresProject) -> Backup:
    project.sql(AUTH_SCHEMA + AUTH_ROWS + PROJECT + ROWS)
    store = InMemoryObjectStore(piece_bytes=1024 * 1024)
    manifest = back_up(project.database, store, policy=EVERYTHING)
    assert manifest.definitions is not None
    assert manifest.definitions.problem is None
    return Backup(store, manifest)


@pytest.fixture
def new(project: PostgresProject) -> Iterator[PostgresProject]:
    with PostgresProject(project.server) as empty:
        yield empty


def test_an_empty_database_becomes_what_the_project_was(
    project: PostgresProject, new: PostgresProject, backup: Backup
) -> None:
    report = backup.rebuild(new)

    assert report.not_rebuilt == ()
    assert dump_of(new) == dump_of(project)
    assert new.rows("select sum from shop.totals order by 1") == [(0,), (9007199254742193,)]
    assert {t.name: t.written for t in report.tables}["shop.lines"] == 50
    assert any("no Supabase project" in warning for warning in report.warnings)


def test_a_user_logs_in_with_the_old_password_in_a_supabase_project(
    project: PostgresProject, new: PostgresProject, backup: Backup
) -> None:
    """It has the schema `auth` by itself, with columns that it generates."""
    new.sql(AUTH_SCHEMA)

    report = backup.rebuild(new)

    assert report.not_rebuilt == ()
    query = (
        "select u, i, f from auth.users u join auth.identities i on i.user_id = u.id "
        "left join auth.mfa_factors f on f.user_id = u.id order by u.id"
    )
    assert new.rows(query) == project.rows(query)
    [(hashed,)] = new.rows(f"select encrypted_password from auth.users where id = '{ANNA}'")
    assert bcrypt.checkpw(PASSWORD.encode(), hashed.encode())
    assert not bcrypt.checkpw(b"another one", hashed.encode())
    assert new.rows("select from auth.sessions") == []
    assert report.warnings == ()


def test_buckets_and_files_come_back_and_none_is_overwritten(
    project: PostgresProject, new: PostgresProject
) -> None:
    project.sql(
        "create table public.notes (id int primary key); insert into public.notes values (1)"
    )
    primary, mirror, source = InMemoryObjectStore(), InMemoryObjectStore("mirror"), some_files()
    files = StoreFiles(
        source=source,
        stores=[mirror],
        policy=ALL,
        project=REF,
        encoding=Encoding.of_policy(EVERYTHING),
        max_object_bytes=10_000_000,
        deadline=FilesTime(NeverExpires(), Lasts(None)),
        clock=FixedClock(),
    )
    manifest = back_up(project.database, primary, mirror, policy=EVERYTHING, files=files)
    there = InMemoryProjectFiles()
    there.put("avatars", "one.png", b"of somebody else")

    def rebuild(files: InMemoryProjectFiles | None, **request: object) -> RebuildReport:
        reader = BackupReader(manifest, [primary, mirror])
        place = PostgresNewProject(new.url(), PLACE)
        use_case = RebuildProject(place, reader, NeverExpires(), InMemoryProgress(), files=files)
        return use_case(RebuildRequest.model_validate(request))

    report = rebuild(there)

    held = {f"{bucket}/{name}": held.content for (bucket, name), held in there.held.items()}
    assert held.pop("avatars/one.png") == b"of somebody else"
    assert held == {"avatars/folder/two.png": b"the second one", "papers/tax.pdf": b""}
    [lost] = [lost for lost in report.not_rebuilt if lost.what.startswith("file")]
    assert (lost.what, lost.why) == ("file avatars/one.png", "another file of this name is there")
    assert "Files in Storage and their buckets" not in {left.what for left in report.by_hand}
    assert new.rows("select id from public.notes") == [(1,)]
    without = rebuild(None, merge=True, confirm=PLACE)
    assert f"supakeep restore {manifest.backup} --files all" in without.by_hand[0].how


@pytest.mark.parametrize("checks", [4, 20, 32])
def test_a_rebuild_goes_on_where_it_was_cut_off(
    project: PostgresProject, new: PostgresProject, backup: Backup, checks: int
) -> None:
    class CutOff:
        left = checks

        def check(self) -> None:
            self.left -= 1
            if self.left < 0:
                raise DeadlineExceededError("cut off", operation="rebuild")

    with pytest.raises(DeadlineExceededError):
        backup.rebuild(new, CutOff())

    report = backup.rebuild(new)

    assert report.resumed
    assert report.not_rebuilt == ()
    assert report.already_there == ()
    assert dump_of(new) == dump_of(project)


def test_a_project_with_tables_is_refused(new: PostgresProject, backup: Backup) -> None:
    new.sql("create table mine (id int primary key)")

    with pytest.raises(UnsafeOperationError, match=r"is not empty: it has public\.mine"):
        backup.rebuild(new)
    with pytest.raises(UnsafeOperationError, match="must be confirmed"):
        backup.rebuild(new, merge=True, confirm="another/database")

    assert new.rows("select nspname from pg_namespace where nspname in ('shop', 'auth')") == []


def test_what_is_there_is_merged_and_stays(new: PostgresProject, backup: Backup) -> None:
    new.sql("create table mine (id int primary key)")
    backup.rebuild(new, schema_only=True, confirm=PLACE)
    assert new.rows("select from shop.orders") == []
    new.sql("insert into shop.events values (99, '2026-07-01')")

    report = backup.rebuild(new, merge=True, confirm=PLACE)

    assert len(report.already_there) > 20
    assert new.rows("select count(*) from shop.events") == [(21,)]
    assert new.rows("select count(*) from shop.orders") == [(3,)]
    [keyless] = report.not_rebuilt
    assert keyless.what == "rows of shop.lines"
    assert "no primary key" in keyless.why


def test_what_cannot_be_made_is_reported_and_the_rest_comes_back(
    project: PostgresProject, new: PostgresProject
) -> None:
    role = f"{project.name}_gone"
    project.superuser(f"create role {role}")
    project.sql(
        "create schema auth; create table parents (id int primary key);"
        "create table children (id int primary key, parent int references parents);"
        "insert into parents values (1), (2); insert into children values (1, 1), (2, 2);"
        f"grant select on parents to {role}, authenticated"
    )
    store = InMemoryObjectStore()
    policy = BackupPolicy.parse(
        '[[table]]\nname = "children"\n[[table]]\nname = "parents"\nlast_rows = 1\norder_by = "id"'
    )
    backup = Backup(store, back_up(project.database, store, policy=policy))
    project.superuser(f"drop owned by {role}; drop role {role}")

    report = backup.rebuild(new)

    grant, key = sorted(report.not_rebuilt, key=lambda lost: lost.what)
    assert grant.why == f'role "{role}" does not exist'
    assert grant.hint == f'Run CREATE role "{role}", and rebuild again with --merge.'
    assert key.what == "fk constraint public.children children_parent_fkey"
    assert key.why.startswith("it is NOT VALID: ")
    assert new.rows(
        "select convalidated from pg_constraint "
        "where contype = 'f' and conrelid = 'children'::regclass"
    ) == [(False,)]
    assert new.rows("select has_table_privilege('authenticated', 'parents', 'select')") == [(True,)]
    assert report.by_hand


def test_a_backup_without_definitions_takes_migrations_first(
    new: PostgresProject, backup: Backup
) -> None:
    bare = replace(
        backup, manifest=backup.manifest.model_copy(update={"definitions": Definitions()})
    )

    with pytest.raises(InvalidRequestError, match="has no definitions"):
        bare.rebuild(new)


def test_two_rebuilds_do_not_write_at_once(new: PostgresProject, backup: Backup) -> None:
    with (
        PostgresNewProject(new.url(), PLACE).open(),
        pytest.raises(UnsafeOperationError, match="Another rebuild is under way"),
    ):
        backup.rebuild(new)


def test_a_column_that_supabase_has_dropped_costs_no_user(
    new: PostgresProject, backup: Backup
) -> None:
    new.sql(f"{AUTH_SCHEMA}; alter table auth.users drop column aud")

    report = backup.rebuild(new)

    assert new.rows("select count(*) from auth.users") == [(2,)]
    assert report.not_rebuilt == ()
    assert any("aud" in warning for warning in report.warnings)


def test_a_rebuild_of_another_backup_is_not_continued(new: PostgresProject, backup: Backup) -> None:
    new.sql(
        "create schema supakeep_rebuild; create table supakeep_rebuild.begun (backup text, steps int);"
        "insert into supakeep_rebuild.begun values ('another', 3)"
    )

    with pytest.raises(UnsafeOperationError, match="A rebuild of another has begun here"):
        backup.rebuild(new)
