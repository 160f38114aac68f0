"""One subsegment an invocation in AWS X-Ray, by way of the daemon that Lambda runs beside a function.

X-Ray's SDK, which Powertools' Tracer needs, is supported until February 2027, and loading it took a
third of a cold start (docs/adr/0015). What is sent is documented in X-Ray's developer guide: "Sending
trace data" and "Segment documents".
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

log = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

_HEADER = b'{"format": "json", "version": 1}\n'
# a document has 64 kB at most
_MESSAGE_CHARACTERS = 4096


def traced(handler: Handler) -> Handler:
    """`handler` with a subsegment for each invocation that Lambda samples: how long it took, whether
    it was the first one of this execution environment, and what it raised.
    """
    is_first = True

    def recorded(event: dict[str, Any], context: Any) -> dict[str, Any]:
        nonlocal is_first
        document = _begun({"ColdStart": is_first})
        is_first = False
        try:
            return handler(event, context)
        except Exception as exc:
            document |= _cause(exc)
            raise
        finally:
            _send(document | {"end_time": time.time()}, os.environ)

    return recorded


def _begun(annotations: Mapping[str, object]) -> dict[str, Any]:
    service = os.environ.get("POWERTOOLS_SERVICE_NAME", "supakeep")
    return {
        "name": "handler",
        "id": secrets.token_hex(8),
        "type": "subsegment",
        "start_time": time.time(),
        "annotations": {**annotations, "Service": service},
    }


def _cause(error: Exception) -> dict[str, Any]:
    exception = {
        "id": secrets.token_hex(8),
        "type": type(error).__name__,
        "message": str(error)[:_MESSAGE_CHARACTERS],
    }
    return {"fault": True, "cause": {"exceptions": [exception]}}


def _send(document: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """A trace that is lost is not worth a failed run."""
    trace = _fields(environment.get("_X_AMZN_TRACE_ID", ""))
    host, _, port = environment.get("AWS_XRAY_DAEMON_ADDRESS", "").rpartition(":")
    if trace.get("Sampled") != "1" or not host:
        return
    placed = {**document, "trace_id": trace.get("Root"), "parent_id": trace.get("Parent")}
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
            daemon.sendto(_HEADER + json.dumps(placed).encode(), (host, int(port)))
    except (OSError, ValueError):
        log.warning("The trace was not sent to X-Ray's daemon", exc_info=True)


def _fields(trace_header: str) -> dict[str, str]:
    """`Root=…;Parent=…;Sampled=1` as fields."""
    pairs = (field.partition("=") for field in trace_header.split(";"))
    return {name: value for name, _, value in pairs}
