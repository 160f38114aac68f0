"""What `supakeep drill` does and prints where a backup is too large for one drill."""

from __future__ import annotations

import io
import json
from unittest.mock import Mock

import pytest

from supakeep.cli.drill_report import print_drill
from supakeep.cli.terminal import Terminal
from supakeep.domain.portion import Portion
from supakeep.errors import MachineError, StorageError
from tests.builders.backups import a_shop, back_up
from tests.builders.drills import a_drill, a_portion
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.scratch import InMemoryScratchServer
from tests.unit.cli.conftest import Supakeep


@pytest.mark.parametrize(
    ("portion", "outcomes", "lines"),
    [
        (
            a_portion("public.items"),
            "pppp-",
            [
                "1 of 3 tables (1 still to be drilled), because there is little room",
                "The backup as a whole is not proven: of its tables, 1 still to be drilled.",
            ],
        ),
        (
            a_portion(sampled=True),
            "pppp-",
            [
                "a sample of public.orders: 3 of 9 rows, from volumes 2 to 3 (1 drilled by sample only)",
                "of its tables, 1 drilled by sample only.",
            ],
        ),
        (a_portion(), "pppp-", ["this drill and those before it have proven every table."]),
        (a_portion(), "ppf--", ["This backup is not proven to restore."]),
        (None, "pppp-", ["This backup restores: its rows came back in 0.9 s."]),
    ],
    ids=["some", "sample", "last", "failed", "all"],
)
def test_the_report_says_which_tables_and_what_that_makes_of_the_backup(
    portion: Portion | None, outcomes: str, lines: list[str]
) -> None:
    out = io.StringIO()

    print_drill(Terminal(out, io.StringIO()), a_drill(outcomes, portion=portion))

    assert [line for line in lines if line not in out.getvalue()] == []


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> InMemoryScratchServer:
    """A place with room for two of the shop's three tables."""
    server = InMemoryScratchServer(free=2000)
    monkeypatch.setattr("supakeep.cli.drill.scratch_server", lambda *_: server)
    monkeypatch.setattr("supakeep.usecases.plan_drill._LEAST_ROOM_BYTES", 1)
    return server


def test_drills_follow_each_other_until_every_table_is_proven(
    primary: InMemoryObjectStore, supakeep: Supakeep, small: InMemoryScratchServer
) -> None:
    back_up(a_shop(), primary)

    ended = supakeep("drill", "--from", "primary")

    assert (ended.code, small.opened) == (0, 2)
    assert "2 of 3 tables (1 still to be drilled)" in ended.out
    assert ended.out.endswith("this drill and those before it have proven every table.\n")
    listed = supakeep("list", "--from", "primary").out
    assert "stored · readable · restored · identical" in listed


def test_a_table_that_does_not_fit_alone_makes_it_partial(
    primary: InMemoryObjectStore, supakeep: Supakeep, small: InMemoryScratchServer
) -> None:
    back_up(a_shop(), primary)
    small.free = 960

    ended = supakeep("drill", "--from", "primary")

    assert (ended.code, small.opened) == (3, 3)
    assert "not proven: public.customers as a whole (it does not fit alone: 4 of" in ended.out
    assert "of its tables, 1 drilled by sample only." in ended.out


def test_where_no_ledger_takes_the_drills_they_come_to_an_end(
    primary: InMemoryObjectStore,
    supakeep: Supakeep,
    small: InMemoryScratchServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    back_up(a_shop(), primary)

    def refuse(key: str, content: object) -> None:
        raise StorageError("it is read-only", operation="put", key=key)

    monkeypatch.setattr(primary, "put", refuse)

    ended = supakeep("drill", "--from", "primary")

    assert (ended.code, small.opened) == (3, 2)
    assert "The ledger of primary lacks this drill" in ended.out + ended.err


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_of_a_drill_that_breaks_off_the_ladder_is_printed_and_recorded(
    primary: InMemoryObjectStore,
    supakeep: Supakeep,
    small: InMemoryScratchServer,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
) -> None:
    back_up(a_shop(), primary)
    gone = MachineError("It did not start", operation="drill", hint="Give it more room")
    monkeypatch.setattr(small, "open", Mock(side_effect=gone))

    ended = supakeep("drill", "--from", "primary", *options)

    assert ended.code == 1
    if options:
        assert json.loads(ended.out)["error"] == "It did not start"
    else:
        assert "Give it more room" in ended.err
        assert "readable    proven" in ended.out
        assert "The drill broke off at the rung restorable, which says nothing" in ended.out
    assert "broke off at restorable" in supakeep("ledger", "--from", "primary").out


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--into", "schema"], 1, "needs its address"),
        (["--into", "database"], 1, "DRILL_DB_URL is not set"),
        (["--room", "5"], 2, "--room belongs to --into schema"),
        (["--into", "nowhere"], 2, "'nowhere' is not one of"),
    ],
)
def test_a_place_that_there_is_not_is_refused(
    supakeep: Supakeep, options: list[str], code: int, message: str
) -> None:
    ended = supakeep("drill", "--from", "primary", *options)

    assert ended.code == code
    assert message in ended.err
