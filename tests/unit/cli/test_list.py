"""How backups are listed: within the terminal, and with what an undo needs."""

from __future__ import annotations

import datetime as dt

import pytest

from supakeep.archive.manifest import encode_manifest
from supakeep.domain.manifest import Trigger
from tests.builders.manifests import a_manifest
from tests.fakes.object_store import InMemoryObjectStore
from tests.unit.cli.conftest import Supakeep

# as long as a hosted project's
REF = "abcdefghijklmnopqrst"
RUN = "20261122T123702Z-dee1a4e4"


@pytest.fixture
def names(
    primary: InMemoryObjectStore, mirror: InMemoryObjectStore, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The names of a nightly backup and of one that a restore made, newest first."""
    monkeypatch.setenv("NEXT_PUBLIC_SUPABASE_URL", f"https://{REF}.supabase.co")
    at = dt.datetime(2026, 11, 22, 12, 37, 2, tzinfo=dt.UTC)
    nightly = a_manifest(at=at - dt.timedelta(hours=9), project=REF)
    undo = {"trigger": Trigger.PRE_RESTORE, "run": RUN}
    kept = a_manifest(at=at, project=REF).model_copy(update=undo)
    for store in (primary, mirror):
        for manifest in (nightly, kept):
            store.place(manifest.name.manifest_key, encode_manifest(manifest))
            store.place(manifest.name.document_key, b"a document")
    return [kept.backup, nightly.backup]


def test_a_listing_fits_80_columns_and_leaves_nothing_out(
    supakeep: Supakeep, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    ended = supakeep("list")

    lines = ended.out.splitlines()
    assert [line for line in lines if line.startswith("backup_")] == names
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith("  2026-11-22 12:37  ")
    assert " rows  " in lines[1]
    assert lines[2] == f"  undoes {RUN}"
    assert lines[4].startswith("  2026-11-22 03:37  ")
    for line in (lines[1], lines[4]):
        assert line.endswith("primary, mirror")


def test_120_columns_have_a_line_for_each_backup(
    supakeep: Supakeep, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")

    head, kept, undoes, nightly = supakeep("list").out.splitlines()

    assert head.split()[-2:] == ["TRIGGER", "IN"]
    assert (kept.split()[0], nightly.split()[0]) == tuple(names)
    assert undoes == f"  undoes {RUN}"
    assert nightly.endswith("schedule     primary, mirror")


def test_the_run_is_there_for_programs(supakeep: Supakeep, names: list[str]) -> None:
    backups = supakeep("list", "--json").json["backups"]

    assert [backup["run"] for backup in backups] == [RUN, None]
