"""A digest of rows that does not depend on their order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

_BITS = 256


@dataclass
class RowDigest:
    """The number of rows, and the sum of their SHA-256 digests modulo 2^256.

    Two sets of rows have the same digest where each row's text is in both equally often. A server
    may sort text otherwise than the one that was backed up, so the order of rows proves nothing.
    """

    rows: int = 0
    total: int = 0

    def add(self, rows: Iterable[bytes]) -> None:
        """Counts these rows, each as its JSON text."""
        sha256, from_bytes = hashlib.sha256, int.from_bytes
        count = 0
        total = 0
        for row in rows:
            total += from_bytes(sha256(row).digest(), "big")
            count += 1
        self.rows += count
        self.total = (self.total + total) % (1 << _BITS)

    @property
    def hexadecimal(self) -> str:
        return f"{self.total:064x}"
