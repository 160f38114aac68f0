"""Drills leave an entry in the ledger: those of the command line, and those of a project's run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from supakeep.databases.embedded.server import EmbeddedPostgres
from supakeep.domain.drill import DrillReport, Rung
from supakeep.domain.run import RunKind, RunStatus
from supakeep.stores.folder import FolderObjectStore
from supakeep.usecases.read_ledger import read_ledger
from supakeep.usecases.run_drill import RunDrill
from tests.builders.backups import NAME, a_shop, back_up
from tests.builders.command_line import run_supakeep
from tests.builders.lambda_events import Project, ServedProject
from tests.builders.signing import KEYRING, SIGNING_KEY
from tests.builders.tables import a_table
from tests.fakes.faulty_object_store import BitFlippingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryDispatcher
from tests.fakes.time import FixedClock
from tests.unit.usecases.running import a_run

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]


@pytest.fixture
def served() -> ServedProject:
    """One backup in two places."""
    clock, database = FixedClock(), a_shop()
    primary, mirror = InMemoryObjectStore(clock=clock), InMemoryObjectStore("mirror", clock=clock)
    back_up(database, primary, mirror)
    return Project(database, primary, mirror, InMemoryDispatcher(), clock).served()


def test_a_run_of_a_drill_is_recorded_in_every_store(served: ServedProject) -> None:
    run = RunDrill(served, EmbeddedPostgres())(a_run(kind=RunKind.DRILL), "latest")

    assert run.status is RunStatus.COMPLETE
    assert isinstance(run.result, DrillReport)
    assert served.mirror is not None
    for store in (served.primary, served.mirror):
        [found] = read_ledger(store, NAME.project_ref).entries
        assert found.key == run.result.entry
        assert found.entry.run == run.id
        assert found.entry.report.reached is Rung.IDENTICAL


def test_a_drill_of_one_copy_that_fails_is_recorded_in_every_store(served: ServedProject) -> None:
    assert served.mirror is not None
    whole = served.mirror
    flipped = BitFlippingObjectStore(whole, NAME.document_key, 99)

    run = RunDrill(served, EmbeddedPostgres())(
        a_run(kind=RunKind.DRILL), NAME.text, stores=[flipped]
    )

    assert run.status is RunStatus.FAILED
    for store in (served.primary, whole):
        [found] = read_ledger(store, NAME.project_ref).entries
        assert found.entry.report.reached is Rung.STORED


def test_the_command_line_records_a_drill_beside_the_backups(tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path)
    back_up(a_shop(), store, keyring=KEYRING)
    environment = {**os.environ, "SIGNING_KEY": SIGNING_KEY}

    reports = []
    for _ in range(2):
        done = run_supakeep(
            "drill", "--from", str(tmp_path), "--json", environment=environment, folder=tmp_path
        )
        done.check_returncode()
        reports.append(json.loads(done.stdout))

    first, second = read_ledger(store, None).entries
    assert [first.key, second.key] == [report["entry"] for report in reports]
    assert second.entry.previous == (first.link,)
    assert second.key_id == KEYRING.key_id
    assert second.entry.report.reached is Rung.IDENTICAL


# the temporary folder of the command is a file system so small that the server starts, and the rows do not fit
_SMALL_DISK = 'mount -t tmpfs -o size=60m,mode=755 tmpfs "$TMPDIR" && exec "$@"'


@pytest.fixture
def on_a_small_disk() -> Iterator[tuple[list[str], str]]:
    """The beginning of a command that has such a temporary folder, and the folder. Root mounts it for that
    process alone, everybody else in a user namespace.
    """
    own = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
    command = ["unshare", *own, "--mount", "sh", "-c", _SMALL_DISK, "sh"]
    with tempfile.TemporaryDirectory(prefix="disk-") as folder:
        # where this process is root, the server is another user's
        Path(folder).chmod(0o755)
        tried = subprocess.run(
            [*command, "true"], env={**os.environ, "TMPDIR": folder}, check=False
        )
        if tried.returncode:
            pytest.skip("this system lets nobody but root mount a file system")
        yield command, folder


def test_a_disk_that_is_really_full_breaks_a_drill_off_and_the_ledger_says_so(
    tmp_path: Path, on_a_small_disk: tuple[list[str], str]
) -> None:
    command, folder = on_a_small_disk
    shop, store = a_shop(), FolderObjectStore(tmp_path)
    rows = [{"id": n, "what": f"{n:08}" * 100} for n in range(40_000)]
    shop.add_table(a_table("log", "what text"), rows)
    back_up(shop, store)

    done = subprocess.run(
        [*command, sys.executable, "-m", "supakeep", "drill", "--from", str(tmp_path)],
        env={**os.environ, "TMPDIR": folder}, cwd=tmp_path,
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip

    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "give it more room" in done.stderr
    [found] = read_ledger(store, None).entries
    assert found.entry.report.broken_off is not None
    assert found.entry.report.broken_off.rung is Rung.RESTORABLE
    assert found.entry.report.reached is Rung.READABLE
