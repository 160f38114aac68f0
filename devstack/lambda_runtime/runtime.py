"""Runs one built function, one invocation at a time, in the real Lambda runtime if possible."""

from __future__ import annotations

import http.client
import json
import signal
import sys
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from devstack.aws.intrinsics import ACCOUNT, REGION
from devstack.errors import StackError
from devstack.processes.children import essential_environment
from devstack.processes.ports import accepts_connections, free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devstack.aws.template import Function
    from devstack.lambda_runtime.build import BuiltFunction
    from devstack.processes.children import Child, Children

INVOKE_PATH = "/2015-03-31/functions/function/invocations"
PLAIN_RUNTIME = Path(__file__).with_name("plain_runtime.py")
# The emulator ends a function that runs for too long; this is for one that does not answer at all.
SLACK_SECONDS = 15


@dataclass(frozen=True)
class Invocation:
    """What came of an invocation: the JSON payload, and as in Lambda's X-Amz-Function-Error header
    `Unhandled` where the function failed.
    """

    payload: bytes
    error: str | None = None

    def value(self) -> Any:
        """The payload, read."""
        return json.loads(self.payload)


class Runtime(Protocol):
    """Runs a function's invocations, one after the other."""

    def invoke(self, payload: bytes) -> Invocation:
        """Runs the handler with a JSON event; a failure of the function is not an exception.

        Raises:
            StackError: the runtime itself could not be started.
        """
        ...


@dataclass(frozen=True)
class Sandbox:
    """All that a runtime needs to run a function.

    `environment` is the function's own; `client_folder` holds the runtime's client.
    """

    function: Function
    built: BuiltFunction
    environment: Mapping[str, str]
    client_folder: Path
    temporary_folder: Path

    def variables(self) -> dict[str, str]:
        """The environment that the function sees: its own and Lambda's, nothing of this machine's
        but PATH.
        """
        layers = [str(layer / "python") for layer in self.built.layer_folders]
        python_path = [str(self.built.task_folder), *layers, str(self.client_folder)]
        return {
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info[0]}.{sys.version_info[1]}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.function.memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": self.function.name,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self.function.timeout_seconds),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_REGION": REGION,
            "LAMBDA_TASK_ROOT": str(self.built.task_folder),
            "LANG": "en_US.UTF-8",
            "PATH": essential_environment()["PATH"],
            # /var/task and /opt are read-only in Lambda
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": ":".join(python_path),
            "TMPDIR": str(self.temporary_folder),
            "TZ": ":UTC",
            "_HANDLER": self.function.handler,
            **self.environment,
        }


class EmulatedRuntime:
    """AWS's runtime interface emulator and its Python client, started at the first invocation.

    It crashes on a second request while one runs, so calls take turns.
    """

    def __init__(self, children: Children, name: str, sandbox: Sandbox, emulator: Path) -> None:
        self._children = children
        self._name = name
        self._sandbox = sandbox
        self._emulator = emulator
        self._turn = threading.Lock()
        self._child: Child | None = None
        self._port = 0

    def invoke(self, payload: bytes) -> Invocation:
        with self._turn:
            if self._child is None or not self._child.running:
                self._start()
            try:
                return read_answer(self._post(payload))
            except (OSError, http.client.HTTPException) as error:
                return failed("Runtime.Unreachable", f"the runtime stopped: {error!r}")

    def _start(self) -> None:
        if self._child is not None:
            self._children.stop(self._child)
        self._port = free_port()
        self._child = self._children.start(
            self._name,
            [
                self._emulator, "--log-level", "warn",
                "--runtime-interface-emulator-address", f"127.0.0.1:{self._port}",
                "--runtime-api-address", f"127.0.0.1:{free_port()}",
                # -S: without the packages of this environment, which Lambda does not have either
                sys.executable, "-S", "-m", "awslambdaric", self._sandbox.function.handler,
            ],
            environment=self._sandbox.variables(),
            folder=self._sandbox.built.task_folder,
            # Lambda does not ask a function to end either
            stop_signal=signal.SIGKILL,
        )  # fmt: skip
        wait_until(lambda: accepts_connections(self._port), self._child)

    def _post(self, payload: bytes) -> bytes:
        seconds = self._sandbox.function.timeout_seconds + SLACK_SECONDS
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=seconds)
        try:
            connection.request("POST", INVOKE_PATH, payload, {"X-Amzn-Trace-Id": trace_id()})
            return connection.getresponse().read()
        finally:
            connection.close()


class PlainRuntime:
    """A plain Python process for where the emulator cannot run; started at the first invocation."""

    def __init__(self, children: Children, name: str, sandbox: Sandbox) -> None:
        self._children = children
        self._name = name
        self._sandbox = sandbox
        self._turn = threading.Lock()
        self._child: Child | None = None

    def invoke(self, payload: bytes) -> Invocation:
        with self._turn:
            if self._child is None or not self._child.running:
                self._start()
            return self._ask(payload)

    def _start(self) -> None:
        self._child = self._children.start(
            self._name,
            [sys.executable, "-S", PLAIN_RUNTIME, self._sandbox.function.handler],
            environment=self._sandbox.variables(),
            folder=self._sandbox.built.task_folder,
            converses=True,
        )

    def _ask(self, payload: bytes) -> Invocation:
        child, function = self._child, self._sandbox.function
        if child is None or child.popen.stdin is None or child.popen.stdout is None:
            raise StackError(f"{self._name} was not started")
        request = {
            "request_id": str(uuid.uuid4()),
            "name": function.name,
            "arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function.name}",
            "memory_mb": function.memory_mb,
            "deadline_at": time.time() + function.timeout_seconds,
            "event": json.loads(payload or b"{}"),
        }
        timer = threading.Timer(function.timeout_seconds, child.popen.kill)
        timer.start()
        answer = b""
        with suppress(OSError):
            child.popen.stdin.write(json.dumps(request).encode() + b"\n")
            child.popen.stdin.flush()
            answer = child.popen.stdout.readline()
        in_time = timer.is_alive()
        timer.cancel()
        if answer:
            return read_answer(answer.rstrip(b"\n"))
        if in_time:
            return failed("Runtime.ExitError", f"Runtime exited. {child.log_tail()}")
        return timed_out(function.timeout_seconds)


def trace_id() -> str:
    """A trace header as Lambda sends it, not sampled, because no X-Ray daemon runs here."""
    root = f"1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}"
    return f"Root={root};Parent={uuid.uuid4().hex[:16]};Sampled=0"


def read_answer(answer: bytes) -> Invocation:
    """Tells a result from a failure: the emulator says so in no header, only in the payload."""
    if answer.startswith(b"Task timed out"):
        return failed("Sandbox.Timedout", answer.decode())
    with suppress(ValueError):
        value = json.loads(answer)
        if isinstance(value, dict) and "errorType" in value and "errorMessage" in value:
            return Invocation(answer, "Unhandled")
    return Invocation(answer)


def timed_out(seconds: float) -> Invocation:
    """What Lambda answers after a time-out."""
    return failed("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")


def failed(kind: str, message: str) -> Invocation:
    """A failure in Lambda's form."""
    return Invocation(
        json.dumps({"errorType": kind, "errorMessage": message}).encode(), "Unhandled"
    )
