"""A product that lies, loses and leaks is caught: the matrix is able to fail."""

from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.builders.backups import ITEMS
from tests.faults.calls import Call, Plan
from tests.faults.files_world import OFFSITE
from tests.faults.http_faults import FAULTS
from tests.faults.matrix import MakeWorld, Matrix
from tests.faults.secrets import SECRET
from tests.faults.tally import TRIED, Failing, Tally
from tests.faults.use_cases import ERASED, NEWEST, TONIGHT, USE_CASES, UseCase
from tests.faults.world import World

ROOT = Path(__file__).parents[2]
BY_NAME = {use_case.name: use_case for use_case in USE_CASES}
# what every function asks first
BUSY = Plan(
    next(fault for fault in FAULTS if fault.name == "503"),
    Call("secretsmanager", "GetSecretValue"),
)


def _lying(world: World) -> Any:
    """Says that tonight's backup is complete, and has cut a volume of it."""
    run = BY_NAME["backup"].run(world)
    volume = f"daily/{TONIGHT}.sql.json.001"
    world.storage.objects[volume] = world.storage.objects[volume][:-1]
    return run


def _losing(world: World) -> Any:
    """Prunes what was to be kept."""
    run = BY_NAME["prune"].run(world)
    del world.storage.objects[f"daily/{NEWEST}.manifest.json"]
    return run


def _leaking(world: World) -> Any:
    """Logs the request with its key."""
    logging.getLogger("supakeep").warning("apikey: %s", SECRET["SUPABASE_SERVICE_ROLE_KEY"])
    return BY_NAME["verify"].run(world)


def _losing_its_record(world: World) -> Any:
    """Says that the drill is recorded in both ledgers, and one has a page of a proxy."""
    run = BY_NAME["drill"].run(world)
    world.storage.objects[run["result"]["entry"]] = b"<html></html>"
    return run


def _claiming_too_much(world: World) -> Any:
    """Records that the rows came back, and they did not."""
    run = BY_NAME["drill"].run(world)
    world.scratch.ends.clear()
    return run


def _keeping_a_volume(world: World) -> Any:
    """Says that a person was erased, and one store still has the volume as it was."""
    before = world.stores["mirror"]
    run = BY_NAME["erase"].run(world)
    gone = sorted(before.keys() - world.stores["mirror"].keys())
    kept = next(key for key in gone if ERASED in before[key])
    world.aws.put(kept, before[kept])
    return run


def _writing_on(world: World) -> Any:
    """Fails after it wrote to a table that its record does not name."""
    world.shop.insert(ITEMS, {"id": 7, "order_id": 1, "label": "written"})
    raise RuntimeError("after a row was written")


@pytest.mark.parametrize(
    ("use_case", "caught"),
    [
        (replace(BY_NAME["backup"], run=_lying), Failing.FALSE_SUCCESS),
        (replace(BY_NAME["prune"], run=_losing), Failing.BACKUP_LOST),
        (replace(BY_NAME["verify"], run=_leaking), Failing.SECRET_SEEN),
        (replace(BY_NAME["restore"], run=_writing_on), Failing.OTHER),
        (replace(BY_NAME["drill"], run=_losing_its_record), Failing.FALSE_SUCCESS),
        (replace(BY_NAME["drill"], run=_claiming_too_much), Failing.FALSE_SUCCESS),
        (replace(BY_NAME["erase"], run=_keeping_a_volume), Failing.FALSE_SUCCESS),
    ],
    ids=[
        *("lying", "losing", "leaking", "writing on", "losing its record", "claiming too much"),
        "keeping a volume",
    ],
)
def test_a_product_that_breaks_a_promise_is_caught(
    use_case: UseCase, caught: Failing, make_world: MakeWorld
) -> None:
    tally = Tally()

    broken = Matrix(use_case, make_world, tally).try_all([BUSY])

    assert any(f": {caught}: " in sentence for sentence in broken)
    assert (tally.total(TRIED), tally.total(caught)) == (1, 1)
    assert not tally.is_good


def _losing_a_file(world: World) -> Any:
    """Says that tonight's backup is complete, and one copy lacks a file that was stored before."""
    run = BY_NAME["backup"].run(world)
    world.aws.delete(min(key for key in world.stores[OFFSITE] if key.startswith("files/")), OFFSITE)
    return run


def test_a_file_that_a_backup_names_and_a_copy_lacks_is_caught(
    make_world_with_files: MakeWorld,
) -> None:
    tally = Tally()
    losing = replace(BY_NAME["backup"], run=_losing_a_file)

    broken = Matrix(losing, make_world_with_files, tally).try_all([BUSY])

    assert any("false successes: in offsite: files/" in sentence for sentence in broken)
    assert tally.total(Failing.FALSE_SUCCESS) == 1


PLANTED = """
import pytest
from tests.faults.tally import SESSION, Failing, Finding

@pytest.mark.parametrize("number", range(4))
def test_planted(number):
    lost = Finding(Failing.BACKUP_LOST, "planted")
    SESSION.add("a use case", [lost] if number == 2 else [])
"""


@pytest.mark.parametrize("processes", [0, 2])
def test_a_run_of_all_processes_ends_with_the_totals_and_fails_by_them(
    tmp_path: Path, processes: int
) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["tests.faults.tally"]\n')
    (tmp_path / "test_planted.py").write_text(PLANTED)

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"--numprocesses={processes}", str(tmp_path)],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert "4 passed" in ended.stdout
    assert "faults tried: 4, false successes: 0, backups lost: 1, secrets seen: 0" in ended.stdout
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED
