"""Why a backup is not believed, in one word for a list and in a sentence for a person."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from supakeep.domain.manifest import Problem
from supakeep.errors import CopiesDifferError, IntegrityError, SignatureError, UnsignedError


class Distrust(StrEnum):
    """`forged`: its signature does not verify. `differing`: its copies are not one backup."""

    DAMAGED = "damaged"
    UNSIGNED = "unsigned"
    FORGED = "forged"
    DIFFERING = "differing"


# the first class that fits decides
_REASONS: tuple[tuple[type[IntegrityError], Distrust], ...] = (
    (CopiesDifferError, Distrust.DIFFERING),
    (UnsignedError, Distrust.UNSIGNED),
    (SignatureError, Distrust.FORGED),
)


class Untrusted(Problem):
    """What keeps a backup from being used by itself."""

    state: Distrust

    @classmethod
    def of(cls, error: IntegrityError) -> Self:
        kinds = (state for kind, state in _REASONS if isinstance(error, kind))
        state = next(kinds, Distrust.DAMAGED)
        return cls(message=error.message, hint=error.hint, state=state)
