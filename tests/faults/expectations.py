"""Whether the errors that a fault ends in are the right ones: their class, their message and their hint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from supakeep.errors import SupakeepError
from tests.faults.calls import Plan
from tests.faults.expected_errors import CONSEQUENCES, EXPECTED, Alternatives
from tests.faults.happenings import Happening
from tests.faults.http_faults import HttpFault
from tests.faults.machine import Outcome
from tests.faults.scratch import ServerFault

AnyPlan = Plan[HttpFault] | Plan[Happening] | Plan[ServerFault]


def wrong_errors(plan: AnyPlan, outcome: Outcome) -> list[str]:
    """What is wrong about the error, and about the problems that the answer names."""
    error = outcome.error
    if error is None:
        return _wrong_problems(plan, outcome.result)
    if not isinstance(error, SupakeepError):
        return [f"an error that is not ours: {error!r}"]
    if not error.message or "<" in error.message:
        return [f"a message that says nothing: {error.message!r}"]
    if _is_expected(plan, type(error).__name__, error.message, error.hint):
        return []
    return [f"not the error of this fault: {error!r}, hint: {error.hint!r}"]


def _wrong_problems(plan: AnyPlan, result: Any) -> list[str]:
    return [
        f"not the problem of this fault: {message!r}, hint: {hint!r}"
        for message, hint in _problems_in(result)
        if not _is_expected(plan, None, message, hint)
    ]


def _problems_in(result: Any) -> Iterator[tuple[str, str | None]]:
    """The problems in the record of a run, wherever they stand."""
    if isinstance(result, dict):
        if isinstance(result.get("message"), str) and "hint" in result:
            yield result["message"], result["hint"]
        result = list(result.values())
    if isinstance(result, list):
        for value in result:
            yield from _problems_in(value)


def _is_expected(plan: AnyPlan, error: str | None, message: str, hint: str | None) -> bool:
    """A problem in a record (`error` is None) has no class any more."""
    if isinstance(plan.fault, Happening):
        return True
    return any(
        (error is None or error in said.errors)
        and said.message in message
        and said.hint in (hint or "")
        for said in _alternatives(plan.call.service, plan.fault.name)
    )


def _alternatives(service: str, fault: str) -> Alternatives:
    stores = "storage" if service == "s3" else service
    return [*EXPECTED[service][fault], *CONSEQUENCES[stores]]
