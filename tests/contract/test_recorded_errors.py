"""PostgreSQL quotes values of rows where it refuses them: whoever asked sees them, and no record has them."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from supakeep.databases.embedded.server import EmbeddedPostgres
from supakeep.domain.assertions import parse_assertions
from supakeep.domain.manifest import Trigger
from supakeep.domain.notice import Audience, Notice
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.run import Run, RunKind, RunStatus, new_run_id
from supakeep.errors import SupakeepError
from supakeep.usecases.audited_run import audited
from supakeep.usecases.run_backup import RunBackup
from supakeep.usecases.run_drill import RunDrill
from supakeep.usecases.run_restore import RunRestore
from tests.builders.lambda_events import ServedProject, settings
from tests.builders.manifests import PROJECT
from tests.builders.postgres_project import PostgresProject
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryDispatcher
from tests.fakes.time import FixedClock

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

# values with what PostgreSQL encloses them in
CANARY = 'canary "of) a" (row'
ASKED = "canary"
TABLES = f"""
create table public.people (id int primary key, email text, owner text);
insert into public.people values (1, '{CANARY}', '{CANARY}'), (2, '{CANARY}', '{CANARY}');
"""


@dataclass
class Heard:
    """What a webhook and a watchdog would be told."""

    texts: list[str] = field(default_factory=list)
    audience: Audience = field(default_factory=Audience)

    def started(self, run: Run) -> None:
        self.texts.append(run.id)

    def ended(self, notice: Notice) -> None:
        self.texts.append(notice.model_dump_json())


@dataclass
class Watched:
    """A project whose every record is kept."""

    served: ServedProject
    logged: io.StringIO
    primary: InMemoryObjectStore
    heard: Heard = field(default_factory=Heard)

    def run(self, kind: RunKind) -> Run:
        self.served.clock.advance(seconds=1)  # type: ignore[attr-defined]
        now = self.served.clock.now()
        return Run(id=new_run_id(now), kind=kind, trigger=Trigger.API, requested_at=now)

    def back_up(self) -> Run:
        run = self.run(RunKind.BACKUP)
        return audited(self.served, run, lambda: RunBackup(self.served)(run), notifier=self.heard)

    def restore(self) -> SupakeepError:
        """The error that it ends in."""
        run = self.run(RunKind.RESTORE)
        request = RestoreRequest(name="latest", confirm=PROJECT, keep_undo=False)
        with pytest.raises(SupakeepError) as raised:
            audited(
                self.served, run, lambda: RunRestore(self.served)(run, request), notifier=self.heard
            )
        # what Lambda, X-Ray and the log of a function have of it
        logging.getLogger("supakeep").error(str(raised.value), exc_info=raised.value)
        return raised.value

    def drill(self, assertions: str) -> Run:
        run = self.run(RunKind.DRILL)
        asserted = parse_assertions(assertions, "drills.sql")
        drill = RunDrill(self.served, EmbeddedPostgres(), asserted)
        return audited(self.served, run, lambda: drill(run, "latest"), notifier=self.heard)

    def records(self) -> Iterator[tuple[str, str]]:
        yield "log", self.logged.getvalue()
        for run in self.served.run_store.list(100):
            yield f"run {run.kind}", run.model_dump_json()
        for text in self.heard.texts:
            yield "notice", text
        for key, content in self.primary.objects.items():
            if ".sql.json" not in key:
                yield key, content.decode()

    def require_no_value(self) -> None:
        found = list(self.records())
        assert {kind.split("/")[0].split(" ")[0] for kind, _ in found} >= {
            *("log", "run", "notice", "audit"),
        }
        assert [(kind, text) for kind, text in found if ASKED in text] == []


@pytest.fixture
def watched(project: PostgresProject) -> Iterator[Watched]:
    logged, handler = io.StringIO(), None
    handler = logging.StreamHandler(logged)
    logging.getLogger("supakeep").addHandler(handler)
    clock = FixedClock()
    primary = InMemoryObjectStore(clock=clock, piece_bytes=4096)
    served = ServedProject(
        settings(), project.database, primary, None, InMemoryDispatcher(), clock,
        policy=BackupPolicy.parse('[backup]\ntables = "*"'),
    )  # fmt: skip
    yield Watched(served, logged, primary)
    logging.getLogger("supakeep").removeHandler(handler)


REFUSE = """
create function public.refuse() returns trigger language plpgsql as
$$ begin raise exception 'no %', new.email using errcode = '23514', detail = new.email; end $$;
"""


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("alter table people alter email type int using 0", id="a cast"),
        pytest.param("alter table people alter email type date using null", id="a date"),
        pytest.param(
            "delete from people; alter table people add unique (email)", id="a unique value"
        ),
        pytest.param(
            "delete from people; alter table people add unique (email) deferrable",
            id="a deferrable unique value",
        ),
        pytest.param(
            "delete from people; alter table people add check (email = '') not valid",
            id="a check",
        ),
        pytest.param(
            "delete from people; create table owners (name text primary key);"
            "alter table people add foreign key (owner) references owners",
            id="a foreign key",
        ),
        pytest.param(
            f"delete from people; {REFUSE}; create trigger t before insert on people "
            "for each row execute function refuse(); alter table people enable always trigger t",
            id="words of a trigger",
        ),
        pytest.param(
            "delete from people; create function cast_it() returns trigger language plpgsql as "
            "$$ begin perform new.email::int; return new; end $$; "
            "create trigger t before insert on people for each row execute function cast_it(); "
            "alter table people enable always trigger t",
            id="a cast in a trigger",
        ),
    ],
)
def test_a_restore_that_is_refused_shows_the_value_and_records_none(
    project: PostgresProject, watched: Watched, change: str
) -> None:
    project.sql(TABLES)
    assert watched.back_up().status is RunStatus.COMPLETE
    project.sql(change)

    error = watched.restore()

    assert ASKED in error.in_full
    watched.require_no_value()


def test_a_backup_that_is_refused_records_no_value(
    project: PostgresProject, watched: Watched
) -> None:
    project.sql(
        TABLES + "create type pair as (a text);"
        "create function spell(pair) returns text language plpgsql as "
        "$$ begin raise exception 'cannot spell %', ($1).a; end $$;"
        "create cast (pair as text) with function spell(pair);"
        f"create table odd (id int primary key, value pair); insert into odd values (1, row('{CANARY}'));"
    )

    run = watched.back_up()

    assert run.status is RunStatus.PARTIAL
    watched.require_no_value()


def test_a_drill_whose_assertion_fails_on_a_value_records_none(
    project: PostgresProject, watched: Watched
) -> None:
    project.sql(TABLES)
    watched.back_up()

    run = watched.drill(
        "-- name: numbers\nselect true where (select min(email) from people)::int = 1;"
    )

    assert run.status is RunStatus.FAILED
    assert any(key.startswith("ledger/") for key in watched.primary.objects)
    watched.require_no_value()
