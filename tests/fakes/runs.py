"""Progress, dispatch and run records that a test can look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from supakeep.errors import SupakeepError


@dataclass
class InMemoryProgress:
    """Keeps the last word on each table, rows and status, and the phases in their order."""

    tables: dict[str, tuple[int, str]] = field(default_factory=dict)
    phases: list[str] = field(default_factory=list)
    expected: dict[str, int] = field(default_factory=dict)

    def expect(self, rows: Mapping[str, int]) -> None:
        self.expected = dict(rows)

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def table(self, name: str, rows: int, status: str) -> None:
        self.tables[name] = (rows, status)


@dataclass
class InMemoryTransfers:
    """Keeps the last word on each object, bytes and status."""

    objects: dict[str, tuple[int, str]] = field(default_factory=dict)
    expected: dict[str, int] = field(default_factory=dict)

    def expect(self, sizes: Mapping[str, int]) -> None:
        self.expected = dict(sizes)

    def moved(self, key: str, size_bytes: int, status: str) -> None:
        self.objects[key] = (size_bytes, status)


@dataclass
class InMemoryDispatcher:
    """Keeps what was handed over; with `error`, hands nothing over and raises it."""

    handed_over: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    error: SupakeepError | None = None

    def dispatch(self, action: str, payload: dict[str, Any]) -> None:
        if self.error is not None:
            raise self.error
        self.handed_over.append((action, payload))
