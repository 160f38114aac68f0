from __future__ import annotations

import datetime as dt

import pytest

from supakeep.errors import DatabaseUnavailableError
from tests.builders.signing import SIGNING_KEY
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
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
    assert len(lines) == 14
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
