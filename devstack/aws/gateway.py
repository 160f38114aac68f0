"""One HTTP server that stands in for two: the HTTP API of template.yaml and Lambda's Invoke."""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from devstack.aws.http_events import Request, Response, choose, message, to_event, to_response
from devstack.errors import StackError
from devstack.lambda_runtime.runtime import failed
from devstack.processes.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from devstack.lambda_runtime.functions import DeployedFunction, Functions

INVOKE_PREFIX = "/2015-03-31/functions/"
HTTP_API_SECONDS = 30.0
HTTP_API_BODY_BYTES = 10 * 1024 * 1024
SYNCHRONOUS_BYTES = 6 * 1024 * 1024
ASYNCHRONOUS_BYTES = 1024 * 1024
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Gateway:
    """Answers requests for functions.

    Args:
        functions: the functions that it invokes.
        log: a file with one line per request.
        seconds: the longest that an HTTP API request may take; API Gateway's own limit by default.
    """

    def __init__(
        self, functions: Functions, log: Path, *, seconds: float = HTTP_API_SECONDS
    ) -> None:
        self._functions = functions
        self._log = log
        self._seconds = seconds
        self._requests = ThreadPoolExecutor(16, "gateway")
        self._routes = {
            route: deployed for deployed in functions for route in deployed.function.routes
        }

    def answer(self, request: Request) -> Response:
        """Answers one request."""
        is_invoke = request.path.startswith(INVOKE_PREFIX)
        response = self._lambda_invoke(request) if is_invoke else self._http_api(request)
        with self._log.open("a") as log:
            log.write(f"{request.method} {request.path} {response.status}\n")
        return response

    def close(self) -> None:
        """Accepts no more requests."""
        self._requests.shutdown(wait=False, cancel_futures=True)

    def _http_api(self, request: Request) -> Response:
        if len(request.body) > HTTP_API_BODY_BYTES:
            return message(413, "Request Entity Too Large")
        found = choose(self._routes, request)
        if found is None:
            return message(404, "Not Found")
        event = json.dumps(to_event(request, *found), ensure_ascii=False).encode()
        if len(event) > SYNCHRONOUS_BYTES:
            # Lambda takes 6 MB, refuses more with its own 413, and the function sees nothing of it
            return message(413, "Request Entity Too Large")
        running = self._requests.submit(self._routes[found[0]].invoke, event)
        try:
            return to_response(running.result(self._seconds))
        except FutureTimeoutError:
            return message(503, "Service Unavailable")
        except StackError:
            return message(500, "Internal Server Error")

    def _lambda_invoke(self, request: Request) -> Response:
        name, _, operation = request.path.removeprefix(INVOKE_PREFIX).rpartition("/")
        if operation != "invocations" or request.method != "POST":
            return lambda_error(404, "ResourceNotFoundException", "only Invoke is available here")
        try:
            deployed = self._functions.find(unquote(name))
        except StackError as error:
            return lambda_error(404, "ResourceNotFoundException", f"Function not found: {error}")
        try:
            json.loads(request.body or b"{}")
        except ValueError:
            return lambda_error(400, "InvalidRequestContentException", "the payload is not JSON")
        kind = request.header_map().get("x-amz-invocation-type", "RequestResponse")
        return invoke(deployed, kind, request.body or b"{}")


def invoke(deployed: DeployedFunction, kind: str, payload: bytes) -> Response:
    """Lambda's Invoke: `RequestResponse`, `Event` or `DryRun`."""
    limit = ASYNCHRONOUS_BYTES if kind == "Event" else SYNCHRONOUS_BYTES
    if len(payload) > limit:
        return lambda_error(413, "RequestTooLargeException", f"over {limit} bytes")
    if kind == "DryRun":
        return Response(204)
    if kind == "Event":
        deployed.enqueue(payload)
        return Response(202)
    if kind != "RequestResponse":
        return lambda_error(400, "InvalidParameterValueException", f"unknown kind {kind}")
    try:
        result = deployed.invoke(payload)
    except StackError as error:
        result = failed("Local.StackError", str(error))
    headers = {"content-type": "application/json", "x-amz-executed-version": "$LATEST"}
    if result.error is not None:
        headers["x-amz-function-error"] = result.error
    return Response(200, result.payload, headers)


def lambda_error(status: int, kind: str, text: str) -> Response:
    """An error of the Lambda service, in the form that boto3 reads."""
    body = json.dumps({"Type": "User", "Message": text, "message": text}).encode()
    return Response(status, body, {"content-type": "application/json", "x-amzn-errortype": kind})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # an open connection must not keep the stack from ending
    timeout = 60
    gateway: Gateway

    def _respond(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        path = urlsplit(self.path).path
        limit = SYNCHRONOUS_BYTES if path.startswith(INVOKE_PREFIX) else HTTP_API_BODY_BYTES
        if length > limit:
            self.close_connection = True
            self._send(message(413, "Request Entity Too Large"))
            return
        body = self.rfile.read(length)
        request = Request(
            self.command, self.path, tuple(self.headers.items()), body, self.client_address[0]
        )
        self._send(self.gateway.answer(request))

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            if name != "content-length":
                self.send_header(name, value)
        for cookie in response.cookies:
            self.send_header("set-cookie", cookie)
        self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """The gateway writes its own log."""


for _method in METHODS:
    setattr(_Handler, f"do_{_method}", _Handler._respond)  # noqa: SLF001


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # the default queue of 5 would refuse a burst of requests
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a client that has gone: a browser ends its requests when its page is left."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class RunningGateway:
    """A gateway listening on a port."""

    def __init__(self, host: str = "127.0.0.1", port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = _Server((host, self.port), _Handler)
        self._gateway: Gateway | None = None

    def serve(self, gateway: Gateway) -> None:
        """Starts answering."""
        self._gateway = gateway
        handler = type("Handler", (_Handler,), {"gateway": gateway})
        self._server.RequestHandlerClass = handler
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stops listening."""
        if self._gateway is not None:
            self._server.shutdown()
            self._gateway.close()
        self._server.server_close()
