"""`supakeep ledger`: what was drilled, and whether the record is whole."""

from __future__ import annotations

import json

from supakeep.usecases.stored_manifests import read_manifest
from tests.builders.drills import NO_ROOM, a_portion, ledger_keys, record_drill
from tests.builders.manifests import place_backup
from tests.fakes.object_store import InMemoryObjectStore
from tests.unit.cli.conftest import Supakeep
from tests.unit.usecases.pruning import days_ago


def test_drills_are_listed_newest_first(primary: InMemoryObjectStore, supakeep: Supakeep) -> None:
    record_drill(primary, at=days_ago(2), outcomes="pppp-")
    record_drill(primary, at=days_ago(1), outcomes="pppf-")

    ended = supakeep("ledger", "--from", "primary")

    assert ended.code == 0
    head, newest, oldest, recovery = ended.out.splitlines()
    assert head.split() == [
        "TIME",
        "(UTC)",
        "BACKUP",
        "PROVEN",
        "ROWS",
        "RESTORED",
        "IN",
        "FAILED",
        "AT",
    ]
    assert newest.split()[3] == "restorable"
    assert newest.endswith("identical")
    assert oldest.split()[3] == "identical"
    assert recovery.startswith("Recovery time proven: ")
    assert "were back in about 1 s, in the drill of" in recovery
    as_json = json.loads(supakeep("ledger", "--from", "primary", "--json").out)
    assert as_json["newest_proof"]["milliseconds"] == 900


def test_a_drill_of_some_tables_says_of_how_many(
    primary: InMemoryObjectStore, supakeep: Supakeep
) -> None:
    record_drill(primary, at=days_ago(2), portion=a_portion("public.items"))
    record_drill(primary, at=days_ago(1), portion=a_portion("public.items", sampled=True))

    _, newest, oldest, _ = supakeep("ledger", "--from", "primary").out.splitlines()

    assert "identical, 1 of 3 tables" in oldest
    assert "identical, a sample of 1 of 3 tables" in newest


def test_a_drill_that_broke_off_says_where(
    primary: InMemoryObjectStore, supakeep: Supakeep
) -> None:
    record_drill(primary, outcomes="pp---", broken_off=NO_ROOM)

    _, line, recovery = supakeep("ledger", "--from", "primary").out.splitlines()

    assert line.split()[3] == "readable"
    assert line.endswith("broke off at restorable")
    assert recovery == "Recovery time: no drill has proven one yet."


def test_who_has_no_drills_is_told_how_to_make_one(
    primary: InMemoryObjectStore, supakeep: Supakeep
) -> None:
    ended = supakeep("ledger", "--from", "primary")

    assert (ended.code, ended.out) == (
        0,
        "No drills yet. `supakeep drill` proves the newest backup.\n",
    )
    assert primary.objects == {}


def test_the_list_as_json_has_whole_entries(
    primary: InMemoryObjectStore, supakeep: Supakeep
) -> None:
    record_drill(primary)

    ended = supakeep("ledger", "--json")

    [entry] = ended.json["entries"]
    assert entry["report"]["rungs"][0] == {
        "rung": "stored",
        "outcome": "proven",
        "figures": {"rows": 3},
        "milliseconds": 900,
        "problems": [],
    }
    assert ended.json["untrusted"] == ended.json["problems"] == {}


def test_an_entry_that_is_damaged_is_named_and_the_others_are_listed(
    primary: InMemoryObjectStore, supakeep: Supakeep
) -> None:
    damaged = record_drill(primary, at=days_ago(1)).entry
    record_drill(primary)
    assert damaged is not None
    primary.place(damaged, b"{}")

    ended = supakeep("ledger")

    assert ended.code == 3
    assert f"! primary: The ledger entry {damaged} cannot be trusted" in ended.out


def test_a_ledger_that_is_whole_verifies(primary: InMemoryObjectStore, supakeep: Supakeep) -> None:
    record_drill(primary)

    ended = supakeep("ledger", "verify")

    assert (ended.code, ended.out) == (
        0,
        "The ledger is whole: 1 entry in primary, 0 of them signed\n",
    )


def test_a_ledger_that_lost_an_entry_does_not_verify(
    primary: InMemoryObjectStore, supakeep: Supakeep
) -> None:
    for days in (2, 1):
        record_drill(primary, at=days_ago(days))
    first, last = ledger_keys(primary)
    primary.delete(first)

    ended = supakeep("ledger", "verify")

    assert ended.code == 1
    assert ended.out.startswith("The ledger is not whole: 1 entry in primary")
    assert f"! {first} is missing in every store, and {last} names it" in ended.out
    assert supakeep("ledger", "verify", "--json").json["problems"][0]["message"].startswith(first)


def test_list_and_show_say_what_a_drill_has_proven(
    primary: InMemoryObjectStore, supakeep: Supakeep
) -> None:
    name = place_backup(primary)
    record_drill(primary, manifest=read_manifest(primary, name), outcomes="pppp-")
    badge = "stored · readable · restored · identical (2026-11-22 12:00 UTC)"

    assert f"\n  {badge}\n" in supakeep("list").out
    assert f"\n{badge}\n" in supakeep("show", name.text).out
    [listed] = supakeep("list", "--json").json["backups"]
    shown = supakeep("show", name.text, "--json").json["proof"]
    assert listed["proof"] == shown
    assert (shown["reached"], shown["restores"]) == ("identical", True)
    assert shown["drilled_at"] == "2026-11-22T12:00:00Z"
