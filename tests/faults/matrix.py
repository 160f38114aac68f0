"""Tries one fault at one call of a use case, and judges what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.faults.calls import Call, Plan, common
from tests.faults.expectations import wrong_error
from tests.faults.http_faults import HttpFault
from tests.faults.proof import good_backups, is_believed, names_in, problems_of, says_complete
from tests.faults.tally import Failing, Finding, Tally
from tests.faults.use_cases import UseCase
from tests.faults.world import IMPATIENT, PATIENT, SECRETS, SIGNING_KEY, Outcome, Stores, World

MakeWorld = Callable[[], World]


@dataclass(frozen=True)
class Matrix:
    """The faults over one use case; each is tried in a world of its own."""

    use_case: UseCase
    make_world: MakeWorld
    tally: Tally
    # the calls of undisturbed use cases by their names: they are the same in each test
    recordings: dict[str, list[Call]] = field(default_factory=dict)

    def calls(self) -> list[Call]:
        """Those of the use case when nothing disturbs it."""
        name = self.use_case.name
        if name not in self.recordings:
            self.recordings[name] = common([self._recorded(), self._recorded()])
        return self.recordings[name]

    def _recorded(self) -> list[Call]:
        world = self.make_world()
        self.use_case.prepare(world)
        outcome = world.watch(lambda: self.use_case.run(world))
        findings = judged(self.use_case, world, outcome, before=world.stores)
        assert outcome.error is None, outcome.said
        assert not findings, findings
        return world.journal.calls

    def try_all(self, plans: Sequence[Plan[HttpFault]]) -> list[str]:
        """A sentence for each thing that went wrong."""
        return [
            f"{plan.fault.name}{' for ever' * plan.for_ever} at {plan.call}: {found.failing}: {found.what}"
            for plan in plans
            for found in self._try(plan)
        ]

    def _try(self, plan: Plan[HttpFault]) -> list[Finding]:
        findings = self._judged(plan)
        self.tally.add(self.use_case.name, findings)
        return findings

    def _judged(self, plan: Plan[HttpFault]) -> list[Finding]:
        world = self.make_world()
        self.use_case.prepare(world)
        before = world.stores
        world.journal.plan = plan
        world.timeouts = IMPATIENT if plan.fault.is_late else PATIENT
        outcome = world.watch(lambda: self.use_case.run(world))
        struck, world.journal.plan = world.journal.struck, None
        world.timeouts = PATIENT
        if not struck:
            return [Finding(Failing.OTHER, "the call was not reached")]
        return [
            *judged(self.use_case, world, outcome, before),
            *_vouched_for_altered(self.use_case, plan, outcome),
            *([Finding(Failing.OTHER, why)] if (why := wrong_error(plan, outcome)) else []),
            *self._next_run(world),
        ]

    def _next_run(self, world: World) -> list[Finding]:
        """Nothing disturbs it, and whatever lease was left has expired."""
        before = world.stores
        world.clock.advance(minutes=6)
        again = self.use_case.again or self.use_case.run
        outcome = world.watch(lambda: again(world))
        if outcome.error is not None:
            return [Finding(Failing.OTHER, f"the next run failed: {outcome.error!r}")]
        return [
            Finding(found.failing, f"after the next run: {found.what}")
            for found in judged(self.use_case, world, outcome, before)
        ]


def judged(use_case: UseCase, world: World, outcome: Outcome, before: Stores) -> list[Finding]:
    """What must not be, whatever happened."""
    stores = world.stores
    return [
        *_false_manifests(stores),
        *_false_claims(use_case, world, outcome),
        *_lost(before, stores, use_case.may_go),
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


def _false_claims(use_case: UseCase, world: World, outcome: Outcome) -> list[Finding]:
    if outcome.error is not None:
        return []
    claims = use_case.false_claims(world, outcome.result)
    return [Finding(Failing.FALSE_SUCCESS, claim) for claim in claims]


def _lost(before: Stores, after: Stores, may_go: frozenset[str]) -> list[Finding]:
    return [
        Finding(Failing.BACKUP_LOST, f"{name} in {store}")
        for store, objects in before.items()
        for name in good_backups(objects, SIGNING_KEY) - may_go
        if name not in good_backups(after[store], SIGNING_KEY)
    ]


def _secrets(world: World, outcome: Outcome) -> list[Finding]:
    outputs = [outcome.said, *map(repr, world.aws.runs), *map(repr, world.stores.values())]
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


def _vouched_for_altered(
    use_case: UseCase, plan: Plan[HttpFault], outcome: Outcome
) -> list[Finding]:
    """A copy whose content came altered is not to be called good."""
    store = {"storage": "primary", "s3": "mirror"}.get(plan.call.service)
    content = plan.call.what.startswith("GET ") and ".sql.json" in plan.call.what
    if outcome.error is not None or not (plan.fault.alters == "answer" and content):
        return []
    if store not in use_case.vouched(outcome.result):
        return []
    return [Finding(Failing.FALSE_SUCCESS, f"{store} gave other bytes, and is called good")]
