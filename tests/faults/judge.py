"""What must not be after a fault, whatever it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from supakeep.archive.signature import Keyring
from supakeep.archive.verified_store import verified
from supakeep.ports import ObjectStore
from supakeep.usecases.read_audit_log import read_audit_logs
from supakeep.usecases.read_ledger import read_ledgers
from supakeep.usecases.verify_ledger import verify_ledger
from tests.builders.manifests import PROJECT
from tests.fakes.object_store import InMemoryObjectStore
from tests.faults.chain_proof import audit_log_of, is_whole, ledger_of
from tests.faults.expectations import AnyPlan
from tests.faults.file_proof import problems_of_files
from tests.faults.machine import Outcome
from tests.faults.proof import good_backups, is_believed, names_in, problems_of, says_complete
from tests.faults.secrets import SECRETS, SIGNING_KEY
from tests.faults.tally import Failing, Finding
from tests.faults.use_cases import USE_CASES, UseCase
from tests.faults.world import Stores, World


def judged(use_case: UseCase, world: World, outcome: Outcome, before: Stores) -> list[Finding]:
    """What must not be, whatever happened."""
    stores = world.stores
    return [
        *_false_manifests(stores),
        *_false_files(before, stores),
        *_false_entries(world, stores),
        *_unnoticed_damage(world, stores),
        *_false_claims(use_case.false_claims, world, outcome),
        *_false_claims_of_others(world),
        *_unended(outcome),
        *_lost(before, stores, world.may_go),
        *_secrets(world, outcome),
        *_unnamed_rows(world, outcome),
    ]


def _false_manifests(stores: Stores) -> list[Finding]:
    return [
        Finding(Failing.FALSE_SUCCESS, f"in {store}: {problem}")
        for store, objects in stores.items()
        for name in names_in(objects)
        if is_believed(objects, name) and says_complete(objects, name)
        for problem in problems_of(objects, name, SIGNING_KEY)
    ]


def _false_files(before: Stores, stores: Stores) -> list[Finding]:
    """What is wrong with files of a complete backup, and was not before."""
    return [
        Finding(Failing.FALSE_SUCCESS, f"in {store}: {problem}")
        for store, problems in _problems_of_files(stores).items()
        for problem in problems - _problems_of_files(before)[store]
    ]


def _problems_of_files(stores: Stores) -> dict[str, set[str]]:
    return {
        store: {
            problem
            for name in good_backups(objects, SIGNING_KEY)
            for problem in problems_of_files(objects, name, store)
        }
        for store, objects in stores.items()
    }


def _false_entries(world: World, stores: Stores) -> list[Finding]:
    """No entry of the ledger says more than was proven."""
    return [
        Finding(
            Failing.FALSE_SUCCESS, f"{key} in {store} says {rung}, and the rows did not come back"
        )
        for store, objects in stores.items()
        for key, entry in ledger_of(objects, SIGNING_KEY).believed.items()
        for rung in sorted(_proven(entry) & {"restorable", "identical"})
        if not _came_back(world, entry["report"]["portion"])
    ]


def _came_back(world: World, portion: dict[str, Any] | None) -> bool:
    """Whether the rows that a drill was about stood in one of the databases at its end. Of a sample it
    is enough that they are rows of the table.
    """
    tables = {table["name"] for table in portion["tables"]} if portion else set(world.intact)
    sampled = set(portion["sampled"]) if portion else set()
    return any(
        all(
            rows and set(rows) <= set(world.intact[name])
            if name in sampled
            else rows == world.intact[name]
            for name, rows in ((name, end.get(name, [])) for name in tables)
        )
        for end in world.scratch.ends
    )


def _proven(entry: dict[str, Any]) -> set[str]:
    return {rung["rung"] for rung in entry["report"]["rungs"] if rung["outcome"] == "proven"}


def _unnoticed_damage(world: World, stores: Stores) -> list[Finding]:
    """A chain of which an entry is missing or damaged somewhere does not verify."""
    now = world.clock.now()
    held = {name: _store_of(name, objects) for name, objects in stores.items()}
    ledger = {name: ledger_of(objects, SIGNING_KEY) for name, objects in stores.items()}
    log = {name: audit_log_of(objects, SIGNING_KEY) for name, objects in stores.items()}
    found = []
    if (
        not is_whole(ledger)
        and verify_ledger(read_ledgers([*held.values()], PROJECT), now).is_whole
    ):
        found.append(Finding(Failing.FALSE_SUCCESS, "the ledger verifies, and is damaged"))
    if (
        not is_whole(log)
        and verify_ledger(read_audit_logs([*held.values()], PROJECT), now).is_whole
    ):
        found.append(Finding(Failing.FALSE_SUCCESS, "the audit log verifies, and is damaged"))
    return found


def _store_of(name: str, objects: Mapping[str, bytes]) -> ObjectStore:
    store = InMemoryObjectStore(name, piece_bytes=65536)
    for key, content in objects.items():
        store.place(key, content)
    return verified(store, Keyring(SIGNING_KEY))


def _false_claims(
    claims_of: Callable[[World, Any], list[str]], world: World, outcome: Outcome
) -> list[Finding]:
    if outcome.error is not None:
        return []
    if _unended(outcome):
        return []  # it claims nothing yet
    claims = claims_of(world, outcome.result)
    return [Finding(Failing.FALSE_SUCCESS, claim) for claim in claims]


def _false_claims_of_others(world: World) -> list[Finding]:
    """Those of the runs that were at work at the same time."""
    claims_of = {use_case.name: use_case.false_claims for use_case in USE_CASES}
    return [
        found
        for other in world.others
        if other.error is None
        for found in _false_claims(claims_of[other.result["kind"]], world, other)
    ]


def _unended(outcome: Outcome) -> list[Finding]:
    """A function that returns has done its work, or says why not."""
    run = outcome.result
    if not isinstance(run, dict) or run["status"] not in ("queued", "running"):
        return []
    return [Finding(Failing.OTHER, f"the run is {run['status']}, and nobody is at work on it")]


def _lost(before: Stores, after: Stores, may_go: frozenset[str]) -> list[Finding]:
    return [
        Finding(Failing.BACKUP_LOST, f"{name} in {store}")
        for store, objects in before.items()
        for name in _whole(objects, store) - may_go - _whole(after[store], store)
    ]


def _whole(objects: Mapping[str, bytes], store: str) -> set[str]:
    """The backups that are good in this store, files and all."""
    good = good_backups(objects, SIGNING_KEY)
    return {name for name in good if not problems_of_files(objects, name, store)}


def _secrets(world: World, outcome: Outcome) -> list[Finding]:
    said = [outcome.said, *(other.said for other in world.others)]
    outputs = [*said, *map(repr, world.aws.runs), *map(repr, world.stores.values())]
    return [
        Finding(Failing.SECRET_SEEN, f"a secret of {len(secret)} characters was shown")
        for secret in SECRETS
        if any(secret in output for output in outputs)
    ]


def _unnamed_rows(world: World, outcome: Outcome) -> list[Finding]:
    """Batches that a restore wrote before it failed are named in its record, or in its error."""
    if world.wrecked is None or outcome.error is None:
        return []
    now = world.shop.everything()
    written = {table for table, rows in now.items() if rows != world.wrecked[table]}
    named = {table for run in world.aws.runs for table in run["tables"]}
    return [
        Finding(Failing.OTHER, f"{table} was written, and nothing says so")
        for table in sorted(written - named)
        if table not in outcome.said
    ]


def vouched_for_altered(use_case: UseCase, plan: AnyPlan, outcome: Outcome) -> list[Finding]:
    """A copy whose content came altered is not to be called good."""
    store = {"storage": "primary", "s3": "mirror"}.get(plan.call.service)
    content = plan.call.what.startswith("GET ") and ".sql.json" in plan.call.what
    # what is read again was compared as a whole before: only the rows that are wanted count then
    is_compared = content and plan.call.nth == 1
    ended = outcome.error is None and not _unended(outcome)
    if not (ended and plan.fault.alters == "answer" and is_compared):
        return []
    if store not in use_case.vouched(outcome.result):
        return []
    return [Finding(Failing.FALSE_SUCCESS, f"{store} gave other bytes, and is called good")]
