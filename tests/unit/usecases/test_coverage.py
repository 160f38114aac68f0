"""What a backup says of the whole project: what it holds, and what not and why."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from supakeep.domain.engine import POSTGRES
from supakeep.domain.manifest import Manifest, Trigger
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.project_coverage import CoverageState, ProjectCoverage
from supakeep.domain.project_object import ObjectKind, ProjectObject
from supakeep.domain.summary import BackupSummary
from supakeep.errors import ExportError
from tests.builders.backups import Nights
from tests.builders.tables import a_table
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore

NAMED = BackupPolicy.parse('[backup]\ntables = ["credits"]\nexclude = ["tmp_*"]\nauth = false')
SECRET = ProjectObject(ObjectKind.VAULT_SECRET, "stripe")
FUNCTION = ProjectObject(ObjectKind.FUNCTION, "public.pay()", "public")
IN_AUTH = ProjectObject(ObjectKind.TRIGGER, "auth.welcome on users", "auth")


@pytest.fixture
def nights() -> Nights:
    return Nights(InMemoryObjectStore())


@pytest.fixture
def database() -> InMemoryDatabase:
    database = InMemoryDatabase(engine=replace(POSTGRES, atomic=False))
    for name in ("credits", "orders", "tmp_import"):
        database.add_table(a_table(name))
    return database


def coverage_of(manifest: Manifest) -> ProjectCoverage:
    assert manifest.coverage is not None
    return manifest.coverage


def states(manifest: Manifest) -> dict[str, tuple[CoverageState, str]]:
    return {f"{g.kind} {g.name}": (g.state, g.why) for g in coverage_of(manifest).gaps}


def test_each_object_that_is_not_backed_up_is_named_with_the_reason(
    nights: Nights, database: InMemoryDatabase
) -> None:
    bucket = ProjectObject(ObjectKind.BUCKET, "avatars")
    managed = ProjectObject(ObjectKind.FUNCTION, "auth.uid()", "auth", managed=True)
    database.objects = [SECRET, FUNCTION, IN_AUTH, bucket, managed]

    manifest = nights.back_up(database, NAMED)

    gaps = states(manifest)
    out, never = CoverageState.CONFIGURED_OUT, CoverageState.NOT_SUPPORTED
    assert gaps["table public.orders"] == (out, "it is not in the policy")
    assert gaps["table public.tmp_import"] == (out, "exclude of [backup] names it")
    assert gaps["bucket avatars"] == (out, "[backup.files] does not take it")
    assert gaps["users auth"] == (out, "auth = false under [backup]")
    assert gaps["vault secret stripe"][0] is never
    assert gaps["edge function all"][0] is never
    backed_up = {"table public.credits", "function public.pay()", "trigger auth.welcome on users"}
    assert gaps.keys().isdisjoint(backed_up)
    [tables, functions] = [
        kind for kind in coverage_of(manifest).kinds if kind.kind in {"table", "function"}
    ]
    assert (tables.backed_up, tables.configured_out, functions.backed_up) == (1, 2, 1)


def test_the_backup_that_first_lacks_something_says_so_and_the_next_says_since_when(
    nights: Nights, database: InMemoryDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    first = nights.back_up(database, NAMED)
    database.objects = [SECRET]
    database.add_table(a_table("invoices"))
    database.add_table(a_table("tmp_more"))

    with caplog.at_level(logging.WARNING):
        second = nights.back_up(database, NAMED)
    third = nights.back_up(database, NAMED)

    assert coverage_of(first).appeared == ()
    assert coverage_of(second).before == first.backup
    appeared = [gap.name for gap in coverage_of(second).appeared]
    assert appeared == ["public.invoices", "stripe"]
    assert "Not in the backup, and new: vault secret stripe" in caplog.text
    [warning] = BackupSummary.of(second, ["primary"]).warnings
    assert "vault secret stripe" in warning
    assert coverage_of(third).appeared == ()
    since = {gap.name: gap.since for gap in coverage_of(third).gaps}
    assert since["stripe"] == second.started_at
    assert since["public.orders"] is None


def test_definitions_that_failed_are_named_object_by_object(
    nights: Nights, database: InMemoryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_definitions() -> None:
        raise ExportError("pg_dump is not installed", operation="export definitions")

    database.objects = [FUNCTION]
    nights.back_up(database, NAMED)
    monkeypatch.setattr(database, "definitions", no_definitions)

    manifest = nights.back_up(database, NAMED)

    failed = (CoverageState.FAILED, "pg_dump is not installed")
    assert states(manifest)["function public.pay()"] == failed
    assert "public.pay()" in [gap.name for gap in coverage_of(manifest).appeared]


def test_a_project_with_thousands_of_gaps_keeps_its_manifest_small_and_calls_none_new(
    nights: Nights, database: InMemoryDatabase
) -> None:
    secrets = [ProjectObject(ObjectKind.VAULT_SECRET, f"s{n:05}") for n in range(3000)]
    database.objects = [*secrets]
    nights.back_up(database, NAMED)
    database.objects = secrets[100:]

    coverage = coverage_of(nights.back_up(database, NAMED))

    assert len(coverage.gaps) == 500
    [counted] = [kind for kind in coverage.kinds if kind.kind == "vault secret"]
    assert counted.not_supported == 2900
    assert coverage.unlisted > 2400
    assert coverage.appeared == ()


def test_hundreds_of_new_gaps_take_few_lines_of_the_log_and_of_the_report(
    nights: Nights, database: InMemoryDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    nights.back_up(database, NAMED)
    database.objects = [ProjectObject(ObjectKind.VAULT_SECRET, f"s{n:03}") for n in range(300)]

    manifest = nights.back_up(database, NAMED)

    assert len(coverage_of(manifest).appeared) == 300
    last = "280 more are new and not in the backup"
    warnings = BackupSummary.of(manifest, ["primary"]).warnings
    assert (len(warnings), warnings[-1]) == (21, last)
    assert last in caplog.messages
    assert len([said for said in caplog.messages if "vault secret" in said]) == 20


def test_a_backup_that_cannot_list_the_objects_is_made_and_says_why(
    nights: Nights, database: InMemoryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise ExportError("pg_proc may not be read", operation="list objects")

    monkeypatch.setattr(database, "inventory", refused)

    manifest = nights.back_up(database, NAMED)

    assert manifest.is_good
    problem = coverage_of(manifest).problem
    assert problem is not None
    assert problem.message == "pg_proc may not be read"


def test_a_copy_for_an_undo_says_nothing_of_the_project(
    nights: Nights, database: InMemoryDatabase
) -> None:
    assert nights.back_up(database, NAMED, trigger=Trigger.PRE_RESTORE).coverage is None


def test_the_data_api_names_what_it_cannot_see(nights: Nights) -> None:
    database = InMemoryDatabase()
    database.add_table(a_table("credits"))

    gaps = states(nights.back_up(database, NAMED))

    never = (
        CoverageState.NOT_SUPPORTED,
        "the Data API does not show them; set SUPABASE_DB_URL",
    )
    assert gaps["definitions all"] == gaps["users auth"] == never
    assert gaps["bucket all"][0] is CoverageState.CONFIGURED_OUT
