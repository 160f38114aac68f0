"""Definitions in a drill: what the server refuses is said, and bounded."""

from __future__ import annotations

import pytest

from supakeep.archive.reader import BackupReader
from supakeep.domain.engine import POSTGRES
from supakeep.domain.rebuild import NotRebuilt, RefusedByRows
from supakeep.usecases.drill_restore import DrillRestore
from supakeep.usecases.rung import RungFailedError
from tests.builders.backups import a_shop, back_up
from tests.builders.definitions import a_dump
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryProgress
from tests.fakes.scratch import InMemoryScratch
from tests.fakes.time import NeverExpires

SCRIPT = a_dump(
    ("FUNCTION", "tax()", "create function tax() …;"),
    ("INDEX", "by_day", "create index by_day on orders (day);"),
)


def restored(scratch: InMemoryScratch, script: str = SCRIPT) -> DrillRestore:
    """A drill of the shop whose definitions are these, up to the rung `restorable`."""
    database = a_shop(InMemoryDatabase(engine=POSTGRES))
    database.definitions_sql = script
    store = InMemoryObjectStore()
    manifest = back_up(database, store)
    reader = BackupReader(manifest, [store])
    return DrillRestore(reader, scratch, NeverExpires(), InMemoryProgress())


def test_definitions_are_made_around_the_rows() -> None:
    scratch = InMemoryScratch(takes_definitions=True)
    drill = restored(scratch)

    figures = drill.restore()

    assert scratch.made == ["function public.tax()", "index public.by_day"]
    assert figures["definitions"] == 2
    assert drill.not_proven == []


def test_what_the_server_cannot_make_is_not_proven() -> None:
    why = 'extension "postgis" is not available'
    refused = NotRebuilt(what="function public.tax()", why=why)
    drill = restored(InMemoryScratch(takes_definitions=True, refuses={refused.what: refused}))

    figures = drill.restore()

    assert figures["definitions"] == 1
    assert [(note.what, note.why) for note in drill.not_proven] == [(refused.what, why)]


def test_of_many_of_a_kind_only_some_are_named() -> None:
    names = [f"f{number}()" for number in range(60)]
    script = a_dump(*(("FUNCTION", name, "create function …;") for name in names))
    refuses = {
        f"function public.{name}": NotRebuilt(what=f"function public.{name}", why="no language")
        for name in names
    }
    drill = restored(InMemoryScratch(takes_definitions=True, refuses=refuses), script)

    drill.restore()

    assert len(drill.not_proven) == 11
    assert drill.not_proven[-1].what == "50 more objects of the kind function"


def test_what_the_rows_violate_fails_the_rung() -> None:
    rule = "check constraint is violated by some row"
    refused = RefusedByRows(what="index public.by_day", why=f"{rule} (secret)", rule=rule)
    drill = restored(InMemoryScratch(takes_definitions=True, refuses={refused.what: refused}))

    with pytest.raises(RungFailedError) as raised:
        drill.restore()

    [problem] = raised.value.problems
    assert problem.message == f"The rows do not fit index public.by_day: {rule}"


def test_a_server_without_supabases_roles_makes_no_definitions() -> None:
    scratch = InMemoryScratch(takes_definitions=False)
    drill = restored(scratch)

    figures = drill.restore()

    assert scratch.made == []
    assert "definitions" not in figures
    assert "with the roles of Supabase" in drill.not_proven[0].why
