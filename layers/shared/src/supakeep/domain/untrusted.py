"""Why a backup is not believed: in a word for a list, and in a sentence for a person."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from supakeep.domain.manifest_parts import Problem
from supakeep.errors import CopiesDifferError, IntegrityError, SignatureError, UnsignedError


class Distrust(StrEnum):
    """`forged`: its signature does not verify. `differing`: its copies are not one backup."""

    DAMAGED = "damaged"
    UNSIGNED = "unsigned"
    FORGED = "forged"
    DIFFERING = "differing"


_LABELS: Mapping[Distrust, str] = {
    Distrust.DAMAGED: "damaged",
    Distrust.UNSIGNED: "unsigned",
    Distrust.FORGED: "signature does not verify",
    Distrust.DIFFERING: "copies differ",
}
# the first class that fits decides
_REASONS: tuple[tuple[type[IntegrityError], Distrust], ...] = (
    (CopiesDifferError, Distrust.DIFFERING),
    (UnsignedError, Distrust.UNSIGNED),
    (SignatureError, Distrust.FORGED),
)


class Untrusted(Problem):
    """What keeps a backup from being used by itself; `label` is `state` in words."""

    state: Distrust
    label: str

    @classmethod
    def of(cls, error: IntegrityError) -> Self:
        states = (state for kind, state in _REASONS if isinstance(error, kind))
        return cls.because(next(states, Distrust.DAMAGED), error.message, error.hint)

    @classmethod
    def because(cls, state: Distrust, message: str, hint: str | None = None) -> Self:
        return cls(message=message, hint=hint, state=state, label=_LABELS[state])
