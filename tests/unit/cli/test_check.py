from __future__ import annotations

import datetime as dt
import io
import re

import pytest

from supakeep.errors import DatabaseUnavailableError
from tests.builders.backups import ITEMS
from tests.builders.manifests import PROJECT
from tests.builders.signing import SIGNING_KEY
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import FixedClock
from tests.unit.cli.conftest import Supakeep, Surroundings


@pytest.fixture(autouse=True)
def _server_time(around: Surroundings) -> None:
    around.adapters["server_time"] = lambda: dt.datetime.now(dt.UTC)


def test_all_good_ends_with_code_0_and_one_line_for_each_check(
    supakeep: Supakeep,
    shop: InMemoryDatabase,
    primary: InMemoryObjectStore,
    mirror: InMemoryObjectStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SIGNING_KEY", SIGNING_KEY)
    supakeep("backup")

    ended = supakeep("check")

    assert ended.code == 0, ended.out
    lines = ended.out.splitlines()
    assert lines[0].split() == ["CHECK", "STATUS", "FOUND"]
    assert len(lines) == 15
    assert {line[15:23].split()[0] for line in lines[1:]} == {"OK"}


def test_a_warning_ends_with_code_3_and_says_what_to_do(
    supakeep: Supakeep, shop: InMemoryDatabase, primary: InMemoryObjectStore, around: Surroundings
) -> None:
    around.adapters["copies"] = ()
    supakeep("backup")

    ended = supakeep("check")

    assert ended.code == 3
    assert "! mirror: Set MIRROR_S3_BUCKET" in ended.out


def test_a_failure_ends_with_code_1(
    supakeep: Supakeep,
    shop: InMemoryDatabase,
    primary: InMemoryObjectStore,
    mirror: InMemoryObjectStore,
    around: Surroundings,
) -> None:
    def silent() -> dt.datetime:
        raise DatabaseUnavailableError("no time", operation="compare clocks", hint="Wait.")

    around.adapters["server_time"] = silent

    ended = supakeep("check", "--json")

    assert ended.code == 1
    checks = {check["name"]: check for check in ended.json["checks"]}
    assert checks["clock"] == {
        "name": "clock",
        "status": "FAIL",
        "message": "no time",
        "advice": "Wait.",
    }
    assert checks["newest backup"]["status"] == "FAIL"
    assert checks["database"]["advice"] is None


class Screen(io.StringIO):
    """Standard output of a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_project_with_several_problems_fits_one_screen(
    around: Surroundings,
    supakeep: Supakeep,
    shop: InMemoryDatabase,
    primary: InMemoryObjectStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    around.adapters["copies"] = ()
    supakeep("backup")
    for number in range(1, 6):
        shop.delete(ITEMS, id=number)
    around.clock = clock = FixedClock(around.clock.now() + dt.timedelta(hours=1))
    around.adapters["server_time"] = clock.now
    partial = supakeep("backup", "--json").json["name"]
    day = around.clock.now() - dt.timedelta(days=2)
    primary.place(f"daily/backup_{PROJECT}_2026-11-01.sql.json", b"x", modified_at=day)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")

    screen = Screen()
    code = around.line(screen, io.StringIO()).run(["check"])

    shown = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
    assert code == 3
    assert len(shown.splitlines()) <= 24, shown
    words = " ".join(shown.split())
    assert partial in words
    assert "is partial: public.items is empty" in words
    assert "supakeep backup --accept-shrink public.items" in words
    assert re.search(r"leftovers +WARN", shown)
