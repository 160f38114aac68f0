"""Drills in a real PostgreSQL that is started for them: what they prove, and what they notice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from supakeep.archive.reader import BackupReader
from supakeep.databases.embedded.server import EmbeddedPostgres
from supakeep.databases.postgres.scratch import PostgresScratch
from supakeep.domain.assertions import Assertion, parse_assertions
from supakeep.domain.drill import DrillReport, Rung, RungOutcome
from supakeep.domain.manifest import Manifest
from supakeep.domain.portion import DrilledTable, Portion
from supakeep.errors import DeadlineExceededError, MachineError
from supakeep.ports import Deadline, ObjectStore, ScratchDatabase, ScratchServer
from supakeep.system import SystemClock
from supakeep.usecases.drill_backup import DrillBackup
from tests.builders.examples import examples
from tests.builders.generated_schemas import Generated, create, schemas
from tests.builders.postgres_project import PostgresProject
from tests.fakes.faulty_object_store import BitFlippingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import NeverExpires

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

Backup = tuple[ObjectStore, Manifest]
AWKWARD = Path(__file__).with_name("awkward_schema.sql")


def drill(
    backup: Backup,
    *further_copies: ObjectStore,
    assertions: str = "",
    server: ScratchServer | None = None,
    deadline: Deadline | None = None,
    plan: Portion | None = None,
) -> DrillReport:
    store, manifest = backup
    climb = DrillBackup(
        server or EmbeddedPostgres(),
        parse_assertions(assertions, "drills.sql"),
        SystemClock(),
        deadline or NeverExpires(),
        InMemoryProgress(),
        lambda _: plan,
    )
    return climb(BackupReader(manifest, [store, *further_copies]))


def outcomes(report: DrillReport) -> str:
    """A letter for each rung: proven, failed, not tried."""
    letters = {RungOutcome.PROVEN: "p", RungOutcome.FAILED: "f", RungOutcome.NOT_TRIED: "-"}
    return "".join(letters[rung.outcome] for rung in report.rungs)


def messages(report: DrillReport) -> list[str]:
    return [problem.message for problem in report.problems]


class WithoutRoles(EmbeddedPostgres):
    """A server without those of Supabase, where tables are made as the manifest describes them."""

    @contextmanager
    def open(self) -> Iterator[PostgresScratch]:
        with super().open() as scratch:
            scratch.takes_definitions = False
            yield scratch


@pytest.fixture
def shop(project: PostgresProject) -> Backup:
    project.sql(
        "create table customers (id bigint generated always as identity primary key, name text not null,"
        " balance numeric(30, 20));"
        "create table notes (note text);"
        "insert into customers (name, balance) select 'c' || n, n + 0.1 from generate_series(1, 500) n;"
        "insert into notes select 'n' || n % 3 from generate_series(1, 30) n"
    )
    return project.back_up()


def test_a_backup_climbs_every_rung(shop: Backup) -> None:
    report = drill(
        shop,
        assertions="-- name: nobody owes\nselect * from customers where balance < 0\n"
        "-- name: all are there\nselect count(*) = 500 from customers",
    )

    assert outcomes(report) == "ppppp"
    assert report.reached is Rung.ASSERTED
    assert report.not_proven == ()
    assert report.rung(Rung.IDENTICAL).figures == {"tables": 2, "rows": 530}
    assert report.restore_milliseconds is not None
    assert (report.server_version or "").startswith("18")


@pytest.mark.parametrize("what", ["awkward", "generated"])
def test_every_kind_of_value_comes_back_identical(project: PostgresProject, what: str) -> None:
    if what == "awkward":
        project.superuser("create extension if not exists vector schema public")
        project.sql(AWKWARD.read_text())
    else:
        project.sql(
            "create type mood as enum ('fine', 'so so'); create type pair as (a int, b text);"
            "create domain euros as numeric(10, 2); create schema other;"
            "create type other.\"Odd.Name\" as enum ('x');"
            "create table t (id int primary key, m mood, ms mood[], p pair, ps pair[], e euros, es euros[],"
            ' o other."Odd.Name", twice int generated always as (id * 2) stored, j json, b jsonb);'
            "insert into t (id, m, ms, p, ps, e, es, o, j, b) values"
            " (1, 'so so', '{fine,null}', row(1, 'x,y'), array[row(2, null)::pair], 1.50, '{1.5,2}', 'x',"
            "  '{\"a\" : 1.0}', '[null]'),"
            " (2, null, '{}', null, null, null, null, null, 'null', 'null'), (3, null, null, null, null, 0, null,"
            "  null, null, null)"
        )

    report = drill(project.back_up())

    assert messages(report) == []
    assert report.reached is Rung.IDENTICAL


@given(generated=st.lists(schemas(), min_size=1, max_size=3, unique_by=lambda table: table.name))
@settings(max_examples=examples(4), phases=[Phase.generate], deadline=None)
def test_a_generated_schema_is_proven(project: PostgresProject, generated: list[Generated]) -> None:
    project.sql("drop schema public cascade; create schema public")
    project.sql("create type pair as (a int, b text)")
    for table in generated:
        try:
            create(project.owner, table)
        except (psycopg.errors.DuplicateTable, psycopg.errors.DuplicateColumn):
            return  # names that are alike once Postgres has cut them to 63 bytes

    report = drill(project.back_up())

    assert messages(report) == []
    assert report.reached is Rung.IDENTICAL


def test_a_type_that_the_server_lacks_is_said_to_be_kept_as_text(project: PostgresProject) -> None:
    project.sql(
        "create type mood as enum ('fine'); create table t (id int primary key, m mood);"
        "insert into t values (1, 'fine')"
    )

    report = drill(
        project.back_up(),
        assertions="-- name: cast\nselect m = 'fine'::mood from t where id = 1",
        server=WithoutRoles(),
    )

    assert messages(report) == []
    assert {note.what for note in report.not_proven} == {
        "the type public.mood",
        "foreign keys, checks, defaults, indexes, triggers and policies",
    }


def test_rows_of_a_window_are_proven_as_they_are(project: PostgresProject) -> None:
    project.sql("create table t (id int primary key); insert into t select generate_series(1, 50)")
    policy = '[[table]]\nname = "t"\nlast_rows = 10\norder_by = "id"'

    report = drill(project.back_up(policy=policy))

    assert report.rung(Rung.IDENTICAL).figures["rows"] == 10


def test_a_flipped_byte_in_the_only_copy_is_found_before_a_server_is_started(shop: Backup) -> None:
    store, manifest = shop
    flipped = BitFlippingObjectStore(store, manifest.volumes[0].key, 900)

    report = drill((flipped, manifest))

    assert outcomes(report) == "pf---"
    assert "SHA-256" in messages(report)[0]
    assert report.server_version is None


def test_a_damaged_copy_is_named_and_the_whole_one_is_drilled(shop: Backup) -> None:
    store, manifest = shop
    flipped = BitFlippingObjectStore(store, manifest.volumes[0].key, 900)
    flipped.name = "mirror"

    report = drill(shop, flipped)

    assert outcomes(report) == "pfpp-"
    assert report.restores
    assert "mirror: " in messages(report)[0]


def test_a_copy_that_lacks_a_volume_is_named_and_the_whole_one_is_drilled(shop: Backup) -> None:
    store, manifest = shop
    copy = InMemoryObjectStore(name="mirror")
    with store.read(manifest.name.manifest_key) as pieces:
        copy.place(manifest.name.manifest_key, b"".join(pieces))

    report = drill(shop, copy)

    assert outcomes(report) == "fppp-"
    assert messages(report) == [f"mirror: {manifest.volumes[0].key} is damaged: it is missing"]


def test_a_copy_without_the_backup_is_not_proven_and_no_failure(shop: Backup) -> None:
    report = drill(shop, InMemoryObjectStore(name="mirror"))

    assert outcomes(report) == "pppp-"
    assert "the copy mirror" in {note.what for note in report.not_proven}


def test_a_missing_volume_fails_the_drill(shop: Backup) -> None:
    store, manifest = shop
    store.delete(manifest.volumes[0].key)

    report = drill(shop)

    assert outcomes(report) == "ff---"


@dataclass
class _Meddling:
    """A server on which somebody changes the rows after they were restored."""

    statement: str

    place = "meddled with"

    def room(self) -> None:
        """Nobody knows."""

    @contextmanager
    def open(self) -> Iterator[ScratchDatabase]:
        with EmbeddedPostgres().open() as scratch:
            yield _MeddledScratch(scratch, self.statement)


class _MeddledScratch(PostgresScratch):
    def __init__(self, scratch: PostgresScratch, statement: str) -> None:
        self.__dict__.update(scratch.__dict__)
        self._statement = statement
        self._asked = 0

    @property
    def database(self):  # type: ignore[no-untyped-def, override]
        self._asked += 1
        # for the tables that the definitions have made, for their rows, and now to compare them
        if self._asked == 3:
            with psycopg.connect(self._url, autocommit=True) as connection:
                connection.execute(self._statement.encode())
        return self.__dict__["database"]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "update customers set balance = balance + 0.00000000000000000001 where id = 7",
            "public.customers is not what was backed up: some of its rows came back with other values",
        ),
        (
            "delete from notes where ctid = '(0,1)'",
            "public.notes is not what was backed up: 29 rows came back of 30",
        ),
    ],
)
def test_a_value_or_a_row_that_differs_is_noticed(
    shop: Backup, statement: str, message: str
) -> None:
    report = drill(shop, server=_Meddling(statement))

    assert outcomes(report) == "pppf-"
    assert messages(report) == [message]


WRONG_ASSERTIONS = {
    "select false": "does not hold",
    "select null::boolean": "does not hold",
    "select * from notes limit 2": "does not hold: 2 rows speak against it",
    "select * from notes": "does not hold: more than 3 rows speak against it",
    "select * from nothing": 'failed: relation "nothing" does not exist',
    "select name::int from customers": "failed: InvalidTextRepresentation (SQLSTATE 22P02)",
    "delete from notes returning note": "tries to write, and may only read",
    "create table x ()": "tries to write, and may only read",
    "select 1; select 2": "failed: cannot insert multiple commands into a prepared statement",
    "set timezone = 'UTC'": "is not a query that gives rows",
    "select pg_read_file('/etc/passwd')": "failed: permission denied for function pg_read_file",
    """do $$ begin execute 'reset role';
       execute 'copy (select 1) to program ''true'''; end $$""": (
        "failed: permission denied to COPY to or from an external program"
    ),
    # no extension that reaches the network is there, and none can be made
    "create extension dblink": "tries to write, and may only read",
}


def test_each_assertion_that_does_not_hold_says_why(shop: Backup) -> None:
    queries = [*WRONG_ASSERTIONS, "select true", "select * from notes where false"]
    named = (f"-- name: {number}\n{query}\n" for number, query in enumerate(queries))

    report = drill(shop, assertions="".join(named))

    assert outcomes(report) == "ppppf"
    assert messages(report) == [
        f"The assertion '{number}' {why}" for number, why in enumerate(WRONG_ASSERTIONS.values())
    ]
    assert [a.name for a in report.assertions if a.holds] == ["13", "14"]


def test_an_assertion_that_runs_for_ever_is_ended(
    shop: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supakeep.databases.postgres.assertions._SECONDS", 1)

    report = drill(shop, assertions="-- name: long\nselect pg_sleep(60)")

    assert messages(report) == ["The assertion 'long' took longer than 1 s"]


_FULL_DISK = """
create function no_room() returns trigger language plpgsql as
  $$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
create trigger no_room before insert on customers execute function no_room();
alter table customers enable always trigger no_room
"""


@dataclass
class _WithoutRoom:
    """A server that can hold no row."""

    statement: str

    place = "a full disk"

    def room(self) -> None:
        """Nobody knows."""

    @contextmanager
    def open(self) -> Iterator[ScratchDatabase]:
        with EmbeddedPostgres().open() as scratch:
            create_tables = scratch.create_tables

            def create_and_fill_up(*arguments: Any) -> Any:
                not_proven = create_tables(*arguments)
                with psycopg.connect(scratch._url, autocommit=True) as connection:
                    connection.execute(self.statement.encode())
                return not_proven

            vars(scratch)["create_tables"] = create_and_fill_up
            yield scratch


@pytest.mark.usefixtures("own_temporary_folder")
def test_a_full_disk_ends_the_drill_says_nothing_of_the_backup_and_leaves_nothing(
    shop: Backup,
) -> None:
    with pytest.raises(MachineError, match=r"gave up: .*SQLSTATE 53100") as raised:
        drill(shop, server=_WithoutRoom(_FULL_DISK))

    assert "DrillStorageMiB" in (raised.value.hint or "")
    assert leftovers() == []


class _ExpiresWhenComparing(NeverExpires):
    """Leaves time until rows were restored."""

    def __init__(self) -> None:
        self._checks = 0

    def check(self) -> None:
        self._checks += 1
        if self._checks > 6:
            raise DeadlineExceededError("no time is left", operation="drill")


@pytest.mark.usefixtures("own_temporary_folder")
def test_a_deadline_ends_the_drill_and_leaves_nothing(shop: Backup) -> None:
    with pytest.raises(DeadlineExceededError):
        drill(shop, deadline=_ExpiresWhenComparing())

    assert leftovers() == []


def leftovers() -> list[Path]:
    return [*Path(tempfile.gettempdir()).glob("supakeep-drill-*")]


@pytest.fixture
def own_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where other drills of this machine leave nothing; the server's user can reach it."""
    with tempfile.TemporaryDirectory(prefix="drills-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield folder


_HANG = """
import sys, time
from supakeep.databases.embedded.server import EmbeddedPostgres
with EmbeddedPostgres().open() as scratch:
    print("open", flush=True)
    time.sleep(600)
"""


def test_what_a_killed_drill_left_is_removed_by_the_next(
    shop: Backup, own_temporary_folder: str
) -> None:
    environment = {**os.environ, "TMPDIR": own_temporary_folder}
    with subprocess.Popen(
        [sys.executable, "-c", _HANG], stdout=subprocess.PIPE, env=environment
    ) as hung:
        assert hung.stdout is not None
        assert hung.stdout.readline() == b"open\n"
        hung.send_signal(signal.SIGKILL)
    [left] = leftovers()
    postmaster = int((left / "data/postmaster.pid").read_text().splitlines()[0])

    report = drill(shop)

    assert report.reached is Rung.IDENTICAL
    assert leftovers() == []
    _wait_until_gone(postmaster)


def _wait_until_gone(process: int) -> None:
    for _ in range(100):
        stat = Path(f"/proc/{process}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    raise AssertionError(f"process {process} still runs")


def test_the_folder_of_a_drill_at_work_is_left_alone(shop: Backup) -> None:
    with EmbeddedPostgres().open() as scratch:
        report = drill(shop)

        assert report.reached is Rung.IDENTICAL
        assert scratch.create_tables([], {}) == []
        assert scratch.ask(Assertion("it is alive", "select true")).holds


def test_a_table_and_a_sample_of_another_one_are_proven(shop: Backup) -> None:
    planned = Portion(
        tables=(
            DrilledTable(name="public.notes", rows=30, of_rows=30, bytes=1),
            DrilledTable(name="public.customers", rows=0, of_rows=500, bytes=9_000, volumes=(1,)),
        ),
        why="there is little room",
        of_tables=2,
    )

    report = drill(shop, assertions="-- name: n\nselect true from notes limit 1", plan=planned)

    assert (outcomes(report), messages(report)) == ("ppppp", [])
    assert report.portion is not None
    notes, customers = report.portion.tables
    assert (notes.rows, customers.of_rows) == (30, 500)
    assert 100 < customers.rows < 200
    assert report.rung(Rung.IDENTICAL).figures == {"tables": 2, "rows": 30 + customers.rows}


def test_there_is_room_for_less_than_what_is_free_in_the_temporary_folder(
    own_temporary_folder: str,
) -> None:
    left = Path(own_temporary_folder, "supakeep-drill-left")
    left.mkdir()
    (left / "lock").touch()

    room = EmbeddedPostgres().room()

    assert 0 <= room < shutil.disk_usage(own_temporary_folder).free - 100_000_000
    assert leftovers() == []
