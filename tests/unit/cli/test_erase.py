"""`supakeep erase`: a look first, and only with the project's ref a change."""

from __future__ import annotations

import json

import pytest

from supakeep.domain.run import RunKind
from supakeep.errors import ObjectLockedError
from supakeep.runs.in_memory import InMemoryRunStore
from tests.builders.backups import NAME, a_shop, back_up
from tests.builders.manifests import PROJECT
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import FixedClock
from tests.unit.cli.conftest import Supakeep, Surroundings

PERSON = ("--table", "customers", "--where", "id=2", "--where", "name=customer 2")
DAMAGED_BY = b"tables"


@pytest.fixture(autouse=True)
def runs(around: Surroundings) -> InMemoryRunStore:
    around.clock = FixedClock()
    around.adapters["run_store"] = runs = InMemoryRunStore()
    return runs


@pytest.fixture(autouse=True)
def _backup(primary: InMemoryObjectStore, mirror: InMemoryObjectStore) -> None:
    back_up(a_shop(), primary, mirror)


def test_without_a_confirmation_it_only_shows_what_matches(
    supakeep: Supakeep, primary: InMemoryObjectStore, runs: InMemoryRunStore
) -> None:
    before = dict(primary.objects)

    ended = supakeep("erase", *PERSON)

    assert ended.code == 0
    assert "1 row of public.customers (by id, name) matches, in 1 of 1 backups" in ended.out
    assert "Not reached:\n    the database: delete the rows there" in ended.out
    assert f"To erase these rows: --confirm {PROJECT}" in ended.err
    assert primary.objects == before
    assert runs.list(10) == []


def test_confirmed_it_erases_from_every_store(
    supakeep: Supakeep, primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    ended = supakeep("erase", *PERSON, "--confirm", PROJECT)

    lines = [line.split() for line in ended.out.splitlines()]
    assert [NAME.text, "1", "primary", "erased"] in lines
    assert [NAME.text, "1", "mirror", "erased"] in lines
    assert "1 row of public.customers (by id, name) was erased, in 1 of 1 backups" in ended.out
    for store in (primary, mirror):
        assert not any(b"customer 2" in content for content in store.of_backups.values())
    shown = supakeep("show", NAME.text)
    assert "1 row of public.customers was erased on 2026-11-22 12:00 UTC" in shown.out
    assert supakeep("verify", NAME.text).code == 0


def test_neither_the_run_nor_the_audit_log_has_the_value(
    supakeep: Supakeep, runs: InMemoryRunStore
) -> None:
    supakeep("erase", *PERSON, "--confirm", PROJECT)

    [run] = runs.list(10)
    audit = supakeep("audit", "--json")
    assert (run.kind, run.status) == (RunKind.ERASE, "complete")
    assert "customer 2" not in run.model_dump_json() + audit.out
    entries = {
        (entry["action"], entry["outcome"], entry["detail"]) for entry in audit.json["entries"]
    }
    assert entries == {
        ("erase", "started", None),
        ("erase", "complete", "1 row of public.customers from 1 backup"),
    }
    assert "was erased, in 1 of 1 backups" in supakeep("runs", run.id).out


def test_the_json_has_the_documented_fields(supakeep: Supakeep) -> None:
    report = supakeep("erase", *PERSON, "--json").json

    assert report["table"] == "public.customers"
    assert report["columns"] == ["id", "name"]
    assert (report["dry_run"], report["looked_through"]) == (True, 1)
    [backup] = report["backups"]
    assert (backup["backup"], backup["rows"]) == (NAME.text, 1)
    assert [store["state"] for store in backup["stores"]] == ["matching", "matching"]


@pytest.mark.parametrize(
    "arguments",
    [("--table", "customers"), ("--table", " ", "--where", "id=2")],
    ids=["no condition", "no table"],
)
def test_whose_rows_are_meant_has_to_be_said(
    supakeep: Supakeep, arguments: tuple[str, ...]
) -> None:
    ended = supakeep("erase", *arguments, "--confirm", PROJECT)

    assert ended.code == 2
    assert "says whose rows go" in ended.err


def test_another_projects_ref_confirms_nothing(
    supakeep: Supakeep, primary: InMemoryObjectStore
) -> None:
    before = dict(primary.objects)

    ended = supakeep("erase", *PERSON, "--confirm", "another")

    assert ended.code == 1
    assert "The erasure was not confirmed: 'another' was given" in ended.err
    assert primary.objects == before


def test_rows_that_stay_are_named_with_the_time_and_exit_with_three(
    supakeep: Supakeep, around: Surroundings, mirror: InMemoryObjectStore
) -> None:
    locked = ObjectLockedError(
        "it is still locked until 2027-01-31 03:04 UTC", operation="delete", key="daily/x"
    )
    around.adapters["copies"] = [FailingObjectStore(mirror, "delete", error=locked)]

    ended = supakeep("erase", *PERSON, "--confirm", PROJECT)

    assert ended.code == 3
    assert f"{NAME} in mirror: it is still locked until 2027-01-31 03:04 UTC" in ended.out
    assert [NAME.text, "1", "mirror", "not", "erased"] in [
        line.split() for line in ended.out.splitlines()
    ]


def test_a_damaged_backup_is_named_as_not_erased(
    supakeep: Supakeep, primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    for store in (primary, mirror):
        content = store.objects[NAME.document_key]
        store.place(NAME.document_key, content.replace(DAMAGED_BY, b"TABLES"))

    ended = supakeep("erase", *PERSON)

    assert ended.code == 3
    assert f"{NAME}: not erased: {NAME.document_key} is damaged" in ended.out


def test_an_erased_backup_is_pruned_as_any_other(
    supakeep: Supakeep, primary: InMemoryObjectStore
) -> None:
    supakeep("erase", *PERSON, "--confirm", PROJECT)
    before = primary.of_backups

    ended = supakeep("prune", "--json")

    assert [b["removed"] for s in json.loads(ended.out)["stores"] for b in s["backups"]] == [
        False,
        False,
    ]
    assert primary.of_backups == before
