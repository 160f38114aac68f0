"""What can happen to a run while one of its calls is under way, which itself goes well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.builders.manifests import PROJECT
from tests.faults.http_faults import Asked, HttpFault, Reply
from tests.faults.secrets import NEW_KEY
from tests.faults.use_cases import NEWEST, OUTDATED
from tests.faults.world import World


@dataclass(frozen=True)
class Happening:
    """`happen` comes before the call is carried out. `may_go` are backups that it may remove."""

    name: str
    happen: Callable[[World], object]
    may_go: frozenset[str] = frozenset()
    alters: str | None = None
    is_late: bool = False
    # only a run of a function has a time limit and an event
    of_invocations: bool = False

    def within(self, world: World) -> HttpFault:
        def carry_on(_: Asked, reply: Reply) -> Reply:
            return reply

        fault = HttpFault(self.name, carry_on, carried_out=True)
        return replace(fault, first=lambda: self.happen(world))


def _run(function: str, event: dict[str, Any]) -> Callable[[World], object]:
    return lambda world: world.also(lambda: world.invoke(function, event))


def _run_after_a_pause(function: str, event: dict[str, Any]) -> Callable[[World], object]:
    """As where a machine slept until its lease was over."""

    def happen(world: World) -> None:
        world.clock.advance(minutes=6)
        world.also(lambda: world.invoke(function, event))

    return happen


def _deliver_again(invocation: str | None) -> Callable[[World], object]:
    def happen(world: World) -> None:
        context = {} if invocation is None else {"aws_request_id": invocation}
        world.deliver_again(**context)

    return happen


def _jump(**duration: float) -> Callable[[World], object]:
    return lambda world: world.clock.jump(**duration)


def _lose_key(world: World) -> None:
    """The project's key is replaced; whoever has the old one is refused from now on."""
    world.service.key = NEW_KEY


def _rotate_key(world: World) -> None:
    """The same, and the secret has the new one already."""
    _lose_key(world)
    world.use_new_key()


def _run_out_of_time(world: World) -> None:
    world.milliseconds_left = 10_000


BACK_UP = {"action": "backup"}
PRUNE = {"action": "prune"}
RESTORE = {"action": "restore", "name": NEWEST, "confirm": PROJECT}
COPY = {"action": "copy", "name": NEWEST}
GOES = frozenset({OUTDATED})

HAPPENINGS = [
    Happening("a backup runs, too", _run("backup", BACK_UP)),
    Happening("a prune runs, too", _run("prune", PRUNE), may_go=GOES),
    Happening("a restore runs, too", _run("restore", RESTORE)),
    Happening("a copy runs, too", _run("restore", COPY)),
    Happening("a backup takes over after a pause", _run_after_a_pause("backup", BACK_UP)),
    Happening("a restore takes over after a pause", _run_after_a_pause("restore", RESTORE)),
    Happening("a prune takes over after a pause", _run_after_a_pause("prune", PRUNE), may_go=GOES),
    Happening("its event is delivered again", _deliver_again(None), of_invocations=True),
    Happening(
        "its event is delivered as another invocation",
        _deliver_again("another"),
        of_invocations=True,
    ),
    Happening("the clock jumps an hour ahead", _jump(hours=1)),
    Happening("the clock jumps an hour back", _jump(hours=-1)),
    Happening("the clock jumps two days ahead", _jump(days=2)),
    Happening("the clock jumps two days back", _jump(days=-2)),
    Happening("the clock jumps ten years ahead", _jump(days=3652)),
    Happening("the key is replaced", _lose_key),
    Happening("the key and the secret are replaced", _rotate_key),
    Happening("the time is up", _run_out_of_time, of_invocations=True),
]
