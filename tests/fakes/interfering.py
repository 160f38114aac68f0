"""A progress that does something to the database while a backup reads it."""

from __future__ import annotations

from collections.abc import Callable

from tests.fakes.runs import InMemoryProgress


class Interfering(InMemoryProgress):
    """Does something to the database once, after the first portion of rows."""

    def __init__(self, interfere: Callable[[], None]) -> None:
        super().__init__()
        self._interfere = interfere
        self._done = False

    def table(self, name: str, rows: int, status: str) -> None:
        super().table(name, rows, status)
        if rows and not self._done:
            self._done = True
            self._interfere()
