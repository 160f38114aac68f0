"""How often, how long and after which pauses something is tried again: one rule for every adapter.

The rule is bounded twice. An adapter says how long a call of its own may take; whoever has less time
than that says so around its work, with `patience`.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from threading import Event
from typing import Any

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    sleep_using_event,
    stop_after_attempt,
    stop_any,
    stop_before_delay,
    stop_when_event_set,
)
from tenacity.stop import stop_base
from tenacity.wait import wait_base, wait_exponential_jitter

from supakeep.errors import DeadlineExceededError, SupakeepError
from supakeep.ports import Deadline

log = logging.getLogger(__name__)

OUTAGE_SECONDS = 75
"""An outage of a minute ends no backup and no restore: one attempt falls after it."""

_LONGEST_PAUSE_SECONDS = 10


@dataclass(frozen=True)
class _Patience:
    """How much time whoever waits for the work has."""

    seconds: float
    deadline: Deadline | None


_ENDLESS = _Patience(math.inf, None)
_PATIENCE: ContextVar[_Patience] = ContextVar("patience", default=_ENDLESS)


@contextmanager
def patience(*, seconds: float = math.inf, deadline: Deadline | None = None) -> Iterator[None]:
    """Within it, no call is tried again for longer than `seconds`, nor past the deadline.

    A thread that takes part in the work must run in a copy of the context.
    """
    token = _PATIENCE.set(_Patience(seconds, deadline))
    try:
        yield
    finally:
        _PATIENCE.reset(token)


def retrying(
    *,
    first_pause_seconds: float,
    give_up_after_seconds: float,
    attempts: int | None = None,
    abandoned: Event | None = None,
    sleep: Callable[[float], Any] | None = None,
) -> Retrying:
    """Repeats what failed with a retryable error; the last failure is raised as it is.

    The pause doubles with each attempt, with a jitter of `first_pause_seconds`; it is as long as the
    server asked for (`retry_after_seconds`) where that is longer. No attempt begins later than
    `give_up_after_seconds` after the first, after `attempts` of them, once `abandoned` is set, or
    against the `patience` around the call.
    """
    abandoned = abandoned or Event()
    allowed = _PATIENCE.get()
    stops = [
        stop_when_event_set(abandoned),
        stop_before_delay(min(give_up_after_seconds, allowed.seconds)),
        stop_after_attempt(attempts or sys.maxsize),
        _StopAtDeadline(allowed.deadline),
    ]
    return Retrying(
        stop=stop_any(*stops),
        sleep=sleep or sleep_using_event(abandoned),
        wait=_RequestedPause(
            wait_exponential_jitter(
                multiplier=first_pause_seconds,
                max=_LONGEST_PAUSE_SECONDS,
                jitter=first_pause_seconds,
            )
        ),
        retry=retry_if_exception(is_worth_retrying),
        before_sleep=partial(
            _log_first_failure, math.ceil(min(give_up_after_seconds, allowed.seconds))
        ),
        reraise=True,
    )


def is_worth_retrying(error: BaseException) -> bool:
    """True only for our own retryable errors: an unforeseen failure is never repeated."""
    return isinstance(error, SupakeepError) and error.retryable


def requested_pause(retry_after: str | None) -> float | None:
    """The seconds in a header `Retry-After`, which gives them or a moment; None for anything else."""
    if not retry_after:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
        return max(0.0, (moment - dt.datetime.now(moment.tzinfo)).total_seconds())
    except ValueError:
        return None


def _log_first_failure(patience_seconds: int, retry_state: RetryCallState) -> None:
    """Says once per call that it waits, for whoever watches; the last failure is raised anyway."""
    if retry_state.attempt_number == 1 and retry_state.outcome is not None:
        error = retry_state.outcome.exception()
        log.warning("%s; trying again for up to %d seconds", error, patience_seconds)


class _RequestedPause(wait_base):
    """The usual pause, or the one that the server asked for where that is longer."""

    def __init__(self, usual: wait_base) -> None:
        self._usual = usual

    def __call__(self, retry_state: RetryCallState) -> float:
        outcome = retry_state.outcome
        error = outcome.exception() if outcome is not None else None
        requested = error.retry_after_seconds if isinstance(error, SupakeepError) else None
        return max(self._usual(retry_state), requested or 0)


class _StopAtDeadline(stop_base):
    def __init__(self, deadline: Deadline | None) -> None:
        self._deadline = deadline

    def __call__(self, retry_state: RetryCallState) -> bool:  # noqa: ARG002 (tenacity's)
        try:
            if self._deadline is not None:
                self._deadline.check()
        except DeadlineExceededError:
            return True
        return False
