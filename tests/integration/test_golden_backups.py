"""What each version of the format wrote is read for ever (tests/golden/README.md)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from devstack import PROJECT
from supakeep.archive.encryption import Identities
from supakeep.archive.reader import BackupReader
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.row_changes import RestoreMode
from supakeep.stores.folder import FolderObjectStore
from supakeep.usecases.find_backups import find_backup
from supakeep.usecases.read_ledger import read_ledgers
from supakeep.usecases.read_proofs import read_proofs
from supakeep.usecases.restore_backup import RestoreBackup
from supakeep.usecases.verify_backup import VerifyBackup
from supakeep.usecases.verify_ledger import verify_ledger
from tests.builders.backups import EVERYTHING
from tests.builders.postgres_project import PostgresProject
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import NOON, NeverExpires

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

GOLDEN = PROJECT / "tests/golden"
VERSIONS = {
    "1.0": ("supakeep/1", 2),
    "1.1": ("supakeep/1.1", 2),
    "1.1-gzip": ("supakeep/1.1", 3),
    "1.1-zstd-age": ("supakeep/1.1", 3),
}


def opened(folder: Path) -> BackupReader:
    [manifest] = folder.glob("daily/*.manifest.json")
    name = manifest.name.removesuffix(".manifest.json")
    reader = find_backup([FolderObjectStore(folder)], name, None, now=NOON)
    reader.decoder.unlock(lambda: Identities((GOLDEN / "key.txt").read_text()))
    return reader


def test_every_golden_backup_is_restored_below() -> None:
    assert {path.name for path in GOLDEN.iterdir() if path.is_dir()} == {*VERSIONS}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_backup_of_each_version_verifies(version: str) -> None:
    reader = opened(GOLDEN / version)

    report = VerifyBackup(NeverExpires(), InMemoryProgress(), deep=True)(reader)

    assert (reader.manifest.format, report.objects) == VERSIONS[version]
    assert report.is_whole
    assert sum(report.tables.values()) == 206


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("lost", ["every row", "some rows"])
def test_a_backup_of_each_version_brings_every_row_back(
    project: PostgresProject, version: str, lost: str
) -> None:
    project.sql((GOLDEN / "project.sql").read_text())
    # where a restore leaves it: behind the highest value
    sequence = """pg_get_serial_sequence('public."Order lines"', 'order')"""
    project.sql(f'select setval({sequence}, max("order")) from public."Order lines"')
    before = project.dump()
    project.sql(
        'truncate public.plans, public."Order lines", public.only_keys'
        if lost == "every row"
        else "delete from public.only_keys where a < 150; "
        "update public.\"Order lines\" set raw = '1', doc = null, tags = null"
    )
    assert project.dump() != before

    _restore(project, opened(GOLDEN / version))

    assert project.dump() == before


def test_a_ledger_of_before_is_believed_and_proves_its_backup() -> None:
    reader = opened(GOLDEN / "1.1")
    store, later = FolderObjectStore(GOLDEN / "1.1"), dt.datetime(2026, 12, 1, tzinfo=dt.UTC)

    found = verify_ledger(read_ledgers([store], "golden"), later)
    proofs = read_proofs([store], [reader.manifest], "golden", later)

    assert (found.is_whole, found.entries) == (True, 2)
    proof = proofs.proof_of(reader.manifest)
    assert proof is not None
    assert proof.badge == "stored · readable · restored · identical"


def _restore(project: PostgresProject, reader: BackupReader) -> None:
    use_case = RestoreBackup(
        project.database, "golden", EVERYTHING, NeverExpires(), InMemoryProgress()
    )
    request = RestoreRequest(
        name=reader.manifest.backup, confirm="golden", mode=RestoreMode.REPLACE
    )
    use_case(request, reader)
