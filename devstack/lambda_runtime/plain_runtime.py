"""Runs a handler in a plain process, where the Lambda runtime emulator cannot.

Run as a script with the handler's name (`app.lambda_handler`). Each line of standard input is an
invocation, `{"request_id", "name", "arn", "memory_mb", "deadline_at" (epoch seconds), "event"}`;
each line of standard output is its answer, as the emulator gives it; what the handler prints goes
to standard error.
"""

import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any


class Context:
    """The context that Lambda gives to a handler."""

    function_version = "$LATEST"
    identity = None
    client_context = None

    def __init__(self, request: dict[str, Any]) -> None:
        self.aws_request_id = request["request_id"]
        self.function_name = request["name"]
        self.invoked_function_arn = request["arn"]
        self.memory_limit_in_mb = str(request["memory_mb"])
        self.log_group_name = f"/aws/lambda/{request['name']}"
        self.log_stream_name = "local"
        self._deadline_at = request["deadline_at"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the time-out."""
        return max(0, int((self._deadline_at - time.time()) * 1000))


def failure(error: BaseException) -> dict[str, Any]:
    """An uncaught error, in the runtime's form."""
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


def answer(handler: Callable[[Any, Context], Any], request: dict[str, Any]) -> str:
    """Runs one invocation."""
    try:
        return json.dumps(handler(request["event"], Context(request)))
    except Exception as error:  # noqa: BLE001 - reported to the caller, as Lambda does
        traceback.print_exc()
        return json.dumps(failure(error))


def serve(handler_name: str) -> None:
    """Answers invocations until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    module, _, name = handler_name.rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    for line in sys.stdin:
        answers.write(answer(handler, json.loads(line)) + "\n")


if __name__ == "__main__":
    # this script's own folder: what the function may import is on PYTHONPATH
    del sys.path[0]
    serve(sys.argv[1])
