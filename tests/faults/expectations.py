"""Which errors a fault may end a use case with."""

from __future__ import annotations

from supakeep.errors import SupakeepError
from tests.faults.calls import Plan
from tests.faults.happenings import Happening
from tests.faults.http_faults import HttpFault
from tests.faults.machine import Outcome

AnyPlan = Plan[HttpFault] | Plan[Happening]


def wrong_error(plan: AnyPlan, outcome: Outcome) -> str | None:
    """Why the error is not the right one; None where it is, or where there is none."""
    error = outcome.error
    if error is None:
        return None
    if not isinstance(error, SupakeepError):
        return f"an error that is not ours: {error!r}"
    if not error.message or "<" in error.message:
        return f"a message that says nothing: {error.message!r}"
    return None
