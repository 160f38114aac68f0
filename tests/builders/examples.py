"""How many examples a property is tried with: a few in `make test`, many in `make test-hostile`."""

from __future__ import annotations

import os


def examples(number: int) -> int:
    """`number` of them, times the environment variable EXAMPLES."""
    return number * int(os.environ.get("EXAMPLES", "1"))
