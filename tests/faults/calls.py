"""The calls of a use case at its boundaries, and the one among them at which something goes wrong."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

FaultT = TypeVar("FaultT")

# what differs between two recordings of one use case
_OF_ONE_RUN = re.compile(r"(?<=Z-)[0-9a-f]{16}\b|(?<=-)[0-9a-f]{8}(?=\.json)")

# a volume, the moment in the name of an entry, a file's object, and the part of them that is listed
_NUMBERED = re.compile(
    r"(?<=\.)[0-9]{3}\b|[0-9-]{10}T[0-9]{6}Z_[0-9]{6}|[0-9a-f]{2}/[0-9a-f]{32}\.[0-9a-f]{64}"
    r"|(?<=%2F)[0-9a-f](?=&)"
)


@dataclass(frozen=True, order=True)
class Call:
    """The `nth` call of its kind: `what` is asked of `service`."""

    service: str
    what: str
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.service}: {self.what}" + (f" ({self.nth})" if self.nth > 1 else "")


@dataclass(frozen=True)
class Plan(Generic[FaultT]):
    """`fault` strikes at `call`; with `for_ever`, at every call to that service from there on."""

    fault: FaultT
    call: Call
    for_ever: bool = False


@dataclass
class Journal(Generic[FaultT]):
    """Counts the calls, whoever makes them and in whichever thread, and strikes by `plan`."""

    plan: Plan[FaultT] | None = None
    calls: list[Call] = field(default_factory=list)
    struck: int = 0
    # called before a call is carried out, with the call
    before: Callable[[Call], None] = lambda _: None
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def enter(self, service: str, what: str) -> FaultT | None:
        """Notes a call; the fault that strikes it, if one does."""
        what = _OF_ONE_RUN.sub("…", what)
        with self._lock:
            self._counts[service, what] += 1
            call = Call(service, what, self._counts[service, what])
            self.calls.append(call)
            fault = self._fault(call)
            self.struck += fault is not None
        self.before(call)
        return fault

    def _fault(self, call: Call) -> FaultT | None:
        if self.plan is None:
            return None
        goes_on = self.plan.for_ever and self.struck and call.service == self.plan.call.service
        return self.plan.fault if goes_on or call == self.plan.call else None


def of_each_kind(calls: list[Call]) -> list[Call]:
    """The first of the calls that differ only by the volume or the entry that they are for, and the last
    one: what is read first is compared, and what is read last is used.
    """
    kinds = [(call.service, _NUMBERED.sub("…", call.what)) for call in calls]
    first, last = (
        dict(zip(kinds[::-1], calls[::-1], strict=True)),
        dict(zip(kinds, calls, strict=True)),
    )
    return [call for call in calls if call in (*first.values(), *last.values())]


def common(recordings: list[list[Call]]) -> list[Call]:
    """The calls that every recording has, sorted: threads may do a little more in one than in another, and
    not in the same order.
    """
    return sorted(set.intersection(*map(set, recordings)))
