"""What is disturbed: every use case over the stores, as a function, a command or a page starts it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from supakeep.archive.encryption import Identities
from supakeep.domain.erasure import Erasure
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import Run, RunKind, RunStatus, new_run_id
from supakeep.stores.folder import FolderObjectStore
from supakeep.usecases.choose_stores import every_store
from supakeep.usecases.download_backup import DownloadBackup
from supakeep.usecases.find_backups import find_backup
from supakeep.usecases.list_backups import list_backups
from supakeep.usecases.run_erase import RunErase
from tests.builders.backups import CUSTOMERS, ITEMS
from tests.builders.manifests import PROJECT
from tests.fakes.runs import InMemoryProgress, InMemoryTransfers
from tests.faults.chain_proof import ledger_of
from tests.faults.machine import Machine
from tests.faults.proof import good_backups, names_in
from tests.faults.secrets import SIGNING_KEY
from tests.faults.world import World

OUTDATED = f"backup_{PROJECT}_2026-11-12"
NEWEST = f"backup_{PROJECT}_2026-11-21"
TONIGHT = f"backup_{PROJECT}_2026-11-22"
# of the row that is erased, and of no other one
ERASED = b'"customer 2"'
NIGHTS = tuple(dt.date.fromisoformat(name[-10:]) for name in (OUTDATED, NEWEST))


@dataclass(frozen=True)
class UseCase:
    """`run` does it, in a world that `prepare` has made ready. `false_claims` says what of its answer is
    not true, from what is really there; `vouched` are the stores of whose copy it says that it is good.
    `again` is the next run; `may_go` are the backups that it is to remove, `replaces` those whose manifests it
    replaces, which a store loses that damages whatever it takes from then on. Where it is `of_each_kind`, faults
    strike at one call of each kind: which of the volumes it is for makes no difference then.
    """

    name: str
    run: Callable[[World], Any]
    false_claims: Callable[[World, Any], list[str]]
    prepare: Callable[[World], None] = lambda _: None
    vouched: Callable[[Any], set[str]] = lambda _: set()
    again: Callable[[World], Any] | None = None
    may_go: frozenset[str] = frozenset()
    replaces: frozenset[str] = frozenset()
    is_invoked: bool = True
    of_each_kind: bool = False


def good_in(world: World, store: str) -> set[str]:
    """The backups that are really good in this store."""
    return good_backups(world.stores[store], SIGNING_KEY)


def schedule(day: dt.date) -> dict[str, Any]:
    return {
        "source": "supakeep.schedule",
        "action": "backup",
        "scheduled_at": f"{day}T03:00:00Z",
    }


def _back_up(machine: Machine) -> Any:
    return machine.invoke("backup", schedule(dt.date(2026, 11, 22)))


def _back_up_again(world: World) -> Any:
    """What failed is delivered once more, as Lambda does; else it is the next night."""
    if any(run["status"] == "complete" for run in world.aws.runs):
        world.clock.advance(days=1)
        return world.invoke("backup", schedule(dt.date(2026, 11, 23)))
    return _back_up(world)


def _false_backup(world: World, run: Any) -> list[str]:
    if run["status"] != "complete":
        return []
    stores = world.stores
    return [
        f"{run['backup']} is not good in {store}"
        for store, objects in stores.items()
        if run["backup"] not in good_backups(objects, SIGNING_KEY)
    ]


def _wreck(world: World) -> None:
    world.shop.delete(ITEMS, id=2)
    world.shop.insert(CUSTOMERS, {"id": 1, "name": "somebody else", "balance": 0})
    world.wrecked = world.shop.everything()


def _restore(machine: Machine) -> Any:
    event = {"action": "restore", "name": NEWEST, "confirm": PROJECT}
    return machine.invoke("restore", event)


def _false_restore(world: World, run: Any) -> list[str]:
    whole = world.shop.everything() == world.intact
    return [] if whole or run["status"] != "complete" else ["the rows are not those of the backup"]


def _prune(machine: Machine) -> Any:
    return machine.invoke("prune", {"action": "prune"})


def _false_prune(world: World, run: Any) -> list[str]:
    """What is left of a backup without its manifest is no backup, and goes a day later."""
    removed = {
        (store["store"], backup["name"])
        for store in run["result"]["stores"]
        for backup in store["backups"]
        if backup["removed"]
    }
    there = {(store, name) for store, objects in world.stores.items() for name in names_in(objects)}
    return [f"{name} is still in {store}" for store, name in removed & there]


def _verify(machine: Machine) -> Any:
    return machine.invoke("restore", {"action": "verify", "name": NEWEST})


def _verified(run: Any) -> set[str]:
    return {copy["store"] for copy in run["result"]["copies"] if copy["good"]}


def _false_verification(world: World, run: Any) -> list[str]:
    said = _verified(run)
    if run["status"] == "complete":
        said |= {"primary", "mirror"}
    return [
        f"{NEWEST} is not good in {store}" for store in said if NEWEST not in good_in(world, store)
    ]


def _lose_from_mirror(world: World) -> None:
    """A volume is gone, another one damaged, and so is the manifest of another backup."""
    world.aws.delete(f"daily/{NEWEST}.sql.json.001")
    world.aws.put(f"daily/{NEWEST}.sql.json.002", b"damaged")
    world.aws.delete(f"daily/{NEWEST}.manifest.json")


def _copy(machine: Machine) -> Any:
    return machine.invoke("restore", {"action": "copy", "name": NEWEST})


def _false_copy(world: World, run: Any) -> list[str]:
    if run["status"] != "complete":
        return []
    return [
        f"{NEWEST} is not good in {store}"
        for store in world.stores
        if NEWEST not in good_in(world, store)
    ]


def _drill(machine: Machine) -> Any:
    return machine.invoke("restore", {"action": "drill", "name": NEWEST})


def _drill_again(world: World) -> Any:
    run = _drill(world)
    assert run["status"] == "complete", run
    return run


def _false_drill(world: World, run: Any) -> list[str]:
    """A drill whose report names no store as unrecorded is in the ledger of each, as it was reported."""
    report = run["result"]
    if report is None:
        return ["the drill is complete, and has no report"] if run["status"] == "complete" else []
    failed = {one["store"] for one in report["unrecorded"]}
    return [
        f"the drill is not in the ledger of {store}"
        for store in world.stores.keys() - failed
        if not _is_recorded(world, store, report)
    ]


def _is_recorded(world: World, store: str, report: Any) -> bool:
    entry = ledger_of(world.stores[store], SIGNING_KEY).believed.get(report["entry"])
    return entry is not None and entry["report"]["rungs"] == report["rungs"]


def _drilled(run: Any) -> set[str]:
    """Both copies, where every byte of both was read."""
    rungs = run["result"]["rungs"] if run["result"] else ()
    both = any(
        rung["rung"] == "readable"
        and rung["outcome"] == "proven"
        and rung["figures"]["copies"] == len(("primary", "mirror"))
        for rung in rungs
    )
    return {"primary", "mirror"} if both else set()


def _backups_of_others(world: World) -> set[str]:
    return {other.result["backup"] for other in world.others if other.error is None}


def _list(machine: Machine) -> Any:
    return list_backups(every_store(machine.project()), PROJECT)


def _false_list(world: World, listing: Any) -> list[str]:
    shown = {found.name.text for found in listing.backups if found.manifest is not None}
    damaged = {found.name.text for found in listing.backups if found.manifest is None}
    there = good_in(world, "primary") | good_in(world, "mirror")
    # what another run wrote while this one listed may be shown or not
    came = _backups_of_others(world)
    silent = set() if listing.problems else there - shown - damaged - came
    return [
        *(f"{name} is not listed, and nothing is said" for name in silent),
        *(f"{name} is listed, and is not there" for name in shown - there - world.may_go),
    ]


def _download(machine: Machine) -> Any:
    project = machine.project()
    stores = every_store(project)
    reader = find_backup(stores, NEWEST, PROJECT, now=project.clock.now())
    target = FolderObjectStore(machine.folder)
    return DownloadBackup(target, InMemoryTransfers())(reader)


def _false_download(world: World, _: Any) -> list[str]:
    files = {f"daily/{path.name}": path.read_bytes() for path in world.folder.glob("daily/*")}
    return [] if NEWEST in good_backups(files, SIGNING_KEY) else ["the files do not verify"]


def _erase(machine: Machine) -> Any:
    now = machine.clock.now()
    run = Run(id=new_run_id(now), kind=RunKind.ERASE, trigger=Trigger.CLI, requested_at=now)
    project = machine.project()
    erase = RunErase(project, Identities, InMemoryProgress())
    return erase(run, Erasure(CUSTOMERS, {"id": "2"}), every_store(project))


def _false_erasure(world: World, run: Run) -> list[str]:
    """The erased row stands in no store any more, or the report says so. The database still has it, and so has
    a backup that another run makes when this one has looked for the last time.
    """
    if run.status is not RunStatus.COMPLETE:
        return []
    came = tuple(f"daily/{backup}." for backup in _backups_of_others(world))
    return [
        f"{key} in {store} still holds the row"
        for store, objects in world.stores.items()
        for key, content in objects.items()
        if key.startswith("daily/") and ERASED in content and not key.startswith(came)
    ]


USE_CASES = [
    UseCase(
        "backup",
        _back_up,
        _false_backup,
        vouched=lambda run: {"primary", "mirror"} if run["status"] == "complete" else set(),
        again=_back_up_again,
    ),
    UseCase("restore", _restore, _false_restore, prepare=_wreck),
    UseCase("prune", _prune, _false_prune, may_go=frozenset({OUTDATED})),
    UseCase("verify", _verify, _false_verification, vouched=_verified),
    UseCase("copy", _copy, _false_copy, prepare=_lose_from_mirror),
    UseCase(
        "drill",
        _drill,
        _false_drill,
        vouched=_drilled,
        again=_drill_again,
        of_each_kind=True,
    ),
    UseCase("list", _list, _false_list, is_invoked=False),
    UseCase("download", _download, _false_download, is_invoked=False),
    UseCase(
        "erase",
        _erase,
        _false_erasure,
        replaces=frozenset({OUTDATED, NEWEST}),
        is_invoked=False,
        of_each_kind=True,
    ),
]
