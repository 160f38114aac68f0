"""The stack's functions: several runtimes each, invoked synchronously, later or by schedule."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from devstack.aws.intrinsics import ACCOUNT, REGION
from devstack.errors import StackError
from devstack.lambda_runtime.runtime import Invocation, failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devstack.aws.template import Function, Schedule
    from devstack.lambda_runtime.runtime import Runtime

MOST_RUNTIMES = 4
# Fewer than the runtimes, so that asynchronous work never keeps a request waiting.
MOST_ASYNCHRONOUS = 2
# Lambda waits one minute before the first retry and two before the second.
RETRY_SECONDS = 0.5


@dataclass(frozen=True)
class GivenUp:
    """An asynchronous invocation that failed and was not, or no longer, retried."""

    function: str
    payload: bytes
    result: Invocation
    attempts: int

    def message(self) -> str:
        """What Lambda sends to the destination for failures."""
        return json.dumps(
            {
                "version": "1.0",
                "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}",
                "requestContext": {
                    "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function}:$LATEST",
                    "condition": "RetriesExhausted",
                    "approximateInvokeCount": self.attempts,
                },
                "requestPayload": json.loads(self.payload),
                "responseContext": {"statusCode": 200, "functionError": self.result.error},
                "responsePayload": self.result.value(),
            }
        )


class DeployedFunction:
    """A function that can be invoked. It starts runtimes as concurrent invocations need them.

    Args:
        function: what the template declares.
        new_runtime: makes a runtime with a name.
        give_up: gets every asynchronous invocation that failed for the last time.
    """

    def __init__(
        self,
        function: Function,
        new_runtime: Callable[[str], Runtime],
        give_up: Callable[[GivenUp], None],
    ) -> None:
        self.function = function
        self._new_runtime = new_runtime
        self._give_up = give_up
        self._idle: deque[Runtime] = deque()
        self._started = 0
        self._free = threading.Condition()
        self._stopping = threading.Event()
        self._background = ThreadPoolExecutor(MOST_ASYNCHRONOUS, f"{function.name}-async")
        self._pending = 0

    def invoke(self, payload: bytes) -> Invocation:
        """Runs the function and waits for its result."""
        with self._runtime() as runtime:
            return runtime.invoke(payload)

    def enqueue(self, payload: bytes) -> None:
        """Runs the function soon, and again after a failure as often as the template says."""
        with self._free:
            self._pending += 1
        self._background.submit(self._run_in_background, payload)

    def wait_idle(self, seconds: float) -> None:
        """Waits until all asynchronous invocations are done.

        Raises:
            StackError: some still run after `seconds`.
        """
        with self._free:
            if not self._free.wait_for(lambda: self._pending == 0, seconds):
                raise StackError(f"{self.function.name} is still busy after {seconds:g} s")

    def close(self) -> None:
        """Starts nothing more; an invocation that runs ends with its runtime."""
        self._stopping.set()
        self._background.shutdown(wait=False, cancel_futures=True)

    def _run_in_background(self, payload: bytes) -> None:
        try:
            self._try_repeatedly(payload)
        finally:
            with self._free:
                self._pending -= 1
                self._free.notify_all()

    def _try_repeatedly(self, payload: bytes) -> None:
        attempts, result = 0, Invocation(b"null")
        while not self._stopping.is_set() and attempts <= self.function.retries:
            attempts += 1
            try:
                result = self.invoke(payload)
            except StackError as error:
                result = failed("Local.StackError", str(error))
            if result.error is None:
                return
            if attempts <= self.function.retries:
                self._stopping.wait(RETRY_SECONDS)
        if not self._stopping.is_set():
            self._give_up(GivenUp(self.function.name, payload, result, attempts))

    @contextmanager
    def _runtime(self) -> Iterator[Runtime]:
        runtime = self._acquire()
        try:
            yield runtime
        finally:
            with self._free:
                self._idle.append(runtime)
                self._free.notify_all()

    def _acquire(self) -> Runtime:
        with self._free:
            self._free.wait_for(lambda: self._idle or self._started < MOST_RUNTIMES)
            if self._idle:
                # the one that was used last is the warmest
                return self._idle.pop()
            self._started += 1
            return self._new_runtime(f"{self.function.name}-{self._started}")


class Functions:
    """All functions of the stack, found by name, ARN or logical id."""

    def __init__(self, deployed: list[DeployedFunction]) -> None:
        self._deployed = deployed

    def __iter__(self) -> Iterator[DeployedFunction]:
        return iter(self._deployed)

    def find(self, name: str) -> DeployedFunction:
        """The function with a name, an ARN (a qualifier is ignored) or a logical id.

        Raises:
            StackError: there is none.
        """
        short = name.rsplit(":function:", maxsplit=1)[-1].split(":", maxsplit=1)[0]
        for deployed in self._deployed:
            if short in (deployed.function.name, deployed.function.logical_id):
                return deployed
        raise StackError(f"there is no function {name}")

    def wait_idle(self, seconds: float) -> None:
        """Waits until no function, nor any that one started, has work left.

        Raises:
            StackError: some still work after `seconds`.
        """
        deadline = time.monotonic() + seconds
        # The function that is waited for next may start one that was idle before. One round per function
        # is enough for every chain without a circle.
        for _ in self._deployed:
            for deployed in self._deployed:
                deployed.wait_idle(max(0.0, deadline - time.monotonic()))

    def close(self) -> None:
        """Starts nothing more."""
        for deployed in self._deployed:
            deployed.close()


def scheduled_payload(schedule: Schedule, at: datetime | None = None) -> bytes:
    """The event that EventBridge Scheduler would send: the input, its context attributes filled in."""
    moment = (at or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    attributes = {
        "scheduled-time": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "execution-id": str(uuid.uuid4()),
        "attempt-number": "1",
        "schedule-arn": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{schedule.name}",
    }
    payload = schedule.payload
    for name, value in attributes.items():
        payload = payload.replace(f"<aws.scheduler.{name}>", value)
    return payload.encode()
