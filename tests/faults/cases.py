"""The tests of a matrix: each use case with each fault, once and for ever."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest

from tests.faults.http_faults import HttpFault
from tests.faults.use_cases import UseCase

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

NAMES = ("use_case", "fault", "for_ever")


def cases_of(use_cases: Iterable[UseCase], faults: Iterable[HttpFault]) -> list[ParameterSet]:
    """Parameters by `NAMES`. A fault that does not last happens once only."""
    faults = tuple(faults)
    return [
        _case(use_case, fault, for_ever=for_ever)
        for use_case in use_cases
        for for_ever in (False, True)
        for fault in faults
        if fault.lasts or not for_ever
    ]


def _case(use_case: UseCase, fault: HttpFault, *, for_ever: bool) -> ParameterSet:
    name = f"{use_case.name}, {fault.name} {'for ever' if for_ever else 'once'}"
    return pytest.param(use_case, fault, for_ever, id=name)
