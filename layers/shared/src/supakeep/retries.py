"""How often, how long and after which pauses something is tried again: one rule for every adapter."""

from __future__ import annotations

from threading import Event

from tenacity import (
    Retrying,
    retry_if_exception,
    sleep_using_event,
    stop_after_attempt,
    stop_after_delay,
    stop_when_event_set,
)
from tenacity.wait import wait_exponential_jitter

from supakeep.errors import SupakeepError

_LONGEST_PAUSE_SECONDS = 20


def retrying(
    *,
    attempts: int,
    first_pause_seconds: float,
    give_up_after_seconds: float | None = None,
    abandoned: Event | None = None,
) -> Retrying:
    """Repeats what failed with a retryable error; the last failure is raised as it is.

    The pause doubles with each attempt, with a jitter of `first_pause_seconds`. No attempt begins
    after `give_up_after_seconds`, or once `abandoned` is set.
    """
    abandoned = abandoned or Event()
    stop = stop_after_attempt(attempts) | stop_when_event_set(abandoned)
    if give_up_after_seconds is not None:
        stop = stop | stop_after_delay(give_up_after_seconds)
    return Retrying(
        stop=stop,
        sleep=sleep_using_event(abandoned),
        wait=wait_exponential_jitter(
            multiplier=first_pause_seconds,
            max=_LONGEST_PAUSE_SECONDS,
            jitter=first_pause_seconds,
        ),
        retry=retry_if_exception(is_worth_retrying),
        reraise=True,
    )


def is_worth_retrying(error: BaseException) -> bool:
    """True only for our own retryable errors: an unforeseen failure is never repeated."""
    return isinstance(error, SupakeepError) and error.retryable
