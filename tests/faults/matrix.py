"""Tries one fault at one call of a use case, and judges what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from tests.faults.calls import Call, Plan, common, of_each_kind
from tests.faults.expectations import AnyPlan, wrong_errors
from tests.faults.judge import judged, vouched_for_altered
from tests.faults.machine import IMPATIENT, PATIENT, Outcome
from tests.faults.tally import Failing, Finding, Tally
from tests.faults.use_cases import UseCase
from tests.faults.world import World

MakeWorld = Callable[[], World]
# disturbs the use case in this world; what came of it, and what is wrong about just that
Disturb = Callable[[World], tuple[Outcome, list[Finding]]]


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
            calls = common([self._recorded(), self._recorded()])
            self.recordings[name] = of_each_kind(calls) if self.use_case.of_each_kind else calls
        return self.recordings[name]

    def _recorded(self) -> list[Call]:
        world = self.make_world()
        self.use_case.prepare(world)
        outcome = world.watch(lambda: self.use_case.run(world))
        findings = judged(self.use_case, world, outcome, before=world.stores)
        assert outcome.error is None, outcome.said
        assert not findings, findings
        return world.journal.calls

    def try_all(self, plans: Sequence[AnyPlan]) -> list[str]:
        """A sentence for each thing that went wrong."""
        return [
            sentence
            for plan in plans
            for sentence in self.try_one(
                f"{plan.fault.name}{' for ever' * plan.for_ever} at {plan.call}",
                partial(self._disturbed, plan),
                may_go=plan.fault.may_go | self._damaged(plan),
            )
        ]

    def _damaged(self, plan: AnyPlan) -> frozenset[str]:
        damages = plan.for_ever and getattr(plan.fault, "alters", None) == "request"
        return self.use_case.replaces if damages else frozenset()

    def try_one(
        self, what: str, disturb: Disturb, *, may_go: frozenset[str] = frozenset()
    ) -> list[str]:
        """Disturbs the use case in a world of its own. `what` says how, `may_go` are backups that this
        may remove.
        """
        world = self.make_world()
        self.use_case.prepare(world)
        before = world.stores
        world.may_go = self.use_case.may_go | may_go
        outcome, findings = disturb(world)
        findings += judged(self.use_case, world, outcome, before)
        findings += self._next_run(world)
        self.tally.add(self.use_case.name, findings)
        return [f"{what}: {found.failing}: {found.what}" for found in findings]

    def _disturbed(self, plan: AnyPlan, world: World) -> tuple[Outcome, list[Finding]]:
        fault = plan.fault.within(world)
        world.journal.plan = Plan(fault, plan.call, plan.for_ever)
        world.timeouts = IMPATIENT if plan.fault.is_late else PATIENT
        outcome = world.watch(lambda: self.use_case.run(world))
        struck, world.journal.plan = world.journal.struck, None
        world.timeouts = PATIENT
        if not struck:
            return outcome, [Finding(Failing.OTHER, "the call was not reached")]
        return outcome, [
            *vouched_for_altered(self.use_case, plan, outcome),
            *(Finding(Failing.OTHER, why) for why in wrong_errors(plan, outcome)),
        ]

    def _next_run(self, world: World) -> list[Finding]:
        """Nothing disturbs it, and whatever lease was left has expired."""
        before = world.stores
        world.settle()
        again = self.use_case.again or self.use_case.run
        outcome = world.watch(lambda: again(world))
        if outcome.error is not None:
            return [Finding(Failing.OTHER, f"the next run failed: {outcome.error!r}")]
        return [
            Finding(found.failing, f"after the next run: {found.what}")
            for found in judged(self.use_case, world, outcome, before)
        ]
