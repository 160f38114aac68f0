"""What the functions take in and give out beside their answers: events, log lines and metrics."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

EVENTS = Path(__file__).parents[3] / "events"

Logs = io.StringIO


def event(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return content


def lines(logged: Logs) -> list[dict[str, Any]]:
    return [json.loads(line) for line in logged.getvalue().splitlines()]


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """The metrics of the last invocation, from the EMF lines on standard output."""
    found: dict[str, float] = {}
    for line in capsys.readouterr().out.splitlines():
        fields = json.loads(line)
        for definition in fields["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
            value = fields[definition["Name"]]
            found[definition["Name"]] = value[0] if isinstance(value, list) else value
    return found
