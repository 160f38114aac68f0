"""`supakeep pin` and `unpin`, and what other commands say of a pinned backup."""

from __future__ import annotations

import datetime as dt

import pytest

from supakeep.domain.run import RunKind
from supakeep.errors import StorageUnavailableError
from supakeep.runs.in_memory import InMemoryRunStore
from tests.builders.manifests import place_backup
from tests.builders.signing import SIGNING_KEY
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON, FixedClock
from tests.unit.cli.conftest import Supakeep, Surroundings

UNTIL = "2026-12-24"


@pytest.fixture(autouse=True)
def _now(around: Surroundings) -> None:
    around.clock = FixedClock()


@pytest.fixture
def old(primary: InMemoryObjectStore, mirror: InMemoryObjectStore) -> str:
    """A backup that the rules no longer keep, in both stores, beside a new one."""
    names = set()
    for store in (primary, mirror):
        place_backup(store)
        names.add(place_backup(store, at=NOON - dt.timedelta(days=30)))
    [name] = names
    return name.text


def test_a_pinned_backup_is_shown_as_pinned_and_not_pruned(supakeep: Supakeep, old: str) -> None:
    pinned = supakeep("pin", old, "--until", UNTIL)

    assert (pinned.code, pinned.err) == (0, "")
    assert pinned.out == f"{old} is pinned until {UNTIL} in primary, mirror\n"
    assert f"  pinned until {UNTIL}\n" in supakeep("list").out
    assert f"\npinned until {UNTIL}\n" in supakeep("show", old).out
    assert f"pinned until {UNTIL}" in supakeep("prune", "--dry-run").out
    assert supakeep("prune").code == 0
    assert supakeep("show", old).code == 0

    unpinned = supakeep("unpin", old)
    assert unpinned.out == f"{old} is no longer pinned in primary, mirror\n"
    assert "pinned" not in supakeep("list").out
    supakeep("prune")
    assert old not in supakeep("list").out


def test_json_says_where_a_backup_is_pinned_and_until_when(supakeep: Supakeep, old: str) -> None:
    report = supakeep("pin", old, "--until", UNTIL, "--json").json

    assert report == {
        "backup": old,
        "until": UNTIL,
        "stores": [
            {"store": "primary", "state": "pinned", "problem": None},
            {"store": "mirror", "state": "pinned", "problem": None},
        ],
    }
    pins = [{"store": store, "until": UNTIL, "problem": None} for store in ("primary", "mirror")]
    assert supakeep("show", old, "--json").json["pins"] == pins
    assert [b["pins"] for b in supakeep("list", "--json").json["backups"]] == [[], pins]


def test_a_pin_in_one_store_only_names_it(supakeep: Supakeep, old: str) -> None:
    supakeep("pin", old, "--from", "mirror")

    assert "  pinned (in mirror)\n" in supakeep("list").out
    kept = [line for line in supakeep("prune").out.splitlines() if "pinned" in line]
    assert len(kept) == 1
    assert "mirror" in kept[0]


def test_a_pin_that_is_over_is_not_shown(
    supakeep: Supakeep, old: str, around: Surroundings
) -> None:
    supakeep("pin", old, "--until", UNTIL)
    around.clock = FixedClock(dt.datetime(2026, 12, 25, tzinfo=dt.UTC))

    assert "pinned" not in supakeep("list").out
    assert "pinned" not in supakeep("show", old).out


@pytest.mark.usefixtures("old")
def test_the_newest_good_backup_can_be_pinned_by_latest(supakeep: Supakeep) -> None:
    assert supakeep("pin", "latest").out.startswith("backup_jewelshot_2026-11-22T120000Z is pinned")


def test_what_was_not_pinned_is_said_without_an_error(supakeep: Supakeep, old: str) -> None:
    ended = supakeep("unpin", old)

    assert (ended.code, ended.out) == (0, f"{old} was not pinned\n")


def test_a_store_that_fails_makes_the_end_partial(
    supakeep: Supakeep, old: str, around: Surroundings, mirror: InMemoryObjectStore
) -> None:
    down = StorageUnavailableError("mirror did not answer", operation="upload", hint="Try again")
    around.adapters["copies"] = [FailingObjectStore(mirror, "put", error=down)]

    ended = supakeep("pin", old)

    assert ended.code == 3
    said, problem = ended.out.splitlines()
    assert said == f"{old} is pinned in primary"
    assert problem == "! mirror: mirror did not answer (Try again)"


def test_a_pin_waits_for_the_end_of_a_prune(
    supakeep: Supakeep, old: str, around: Surroundings, primary: InMemoryObjectStore
) -> None:
    around.adapters["run_store"] = runs = InMemoryRunStore()
    end = NOON + dt.timedelta(minutes=5)
    runs.acquire_lease(RunKind.PRUNE, "20261122T115900Z-prune", NOON, end)

    ended = supakeep("pin", old)

    assert ended.code == 1
    assert "Run 20261122T115900Z-prune is at work" in ended.err
    assert not any("pin" in key for key in primary.objects)
    runs.release_lease(RunKind.PRUNE, "20261122T115900Z-prune")
    assert supakeep("pin", old).code == 0
    # and a prune can start afterwards
    assert supakeep("prune").code == 0


@pytest.mark.parametrize(
    ("until", "code", "why"),
    [
        ("2026-11-21", 1, "would be over already"),
        ("tomorrow", 2, "is not a day such as 2027-01-31"),
        ("2026-02-30", 2, "is not a day"),
        ("", 2, "is not a day"),
    ],
)
def test_a_day_that_cannot_be_meant_is_refused(
    supakeep: Supakeep, old: str, until: str, code: int, why: str
) -> None:
    ended = supakeep("pin", old, "--until", until)

    assert ended.code == code
    assert why in " ".join(ended.err.split())


def test_a_backup_in_a_folder_is_pinned_without_the_settings_of_a_project(
    supakeep: Supakeep, backup_in_copies: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEXT_PUBLIC_SUPABASE_URL")

    assert supakeep("pin", backup_in_copies, "--from", "copies").code == 0
    assert "  pinned\n" in supakeep("list", "--from", "copies").out
    assert supakeep("unpin", backup_in_copies, "--from", "copies").code == 0


def test_with_a_signing_key_pins_are_signed_and_unsigned_ones_are_named(
    supakeep: Supakeep, primary: InMemoryObjectStore, monkeypatch: pytest.MonkeyPatch, shop: object
) -> None:
    monkeypatch.setenv("SIGNING_KEY", SIGNING_KEY)
    assert shop is not None
    name = supakeep("backup", "--json").json["name"]

    supakeep("pin", name)
    assert "  pinned\n" in supakeep("list").out

    [key] = [key for key in primary.objects if key.endswith(".pin.json")]
    primary.place(key, primary.objects[key].replace(b'"signature"', b'"signatura"'))
    assert "counts as pinned: The pin" in supakeep("list").out
