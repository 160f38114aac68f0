"""At every call something happens: another run, the same event, a jump of the clock, a new key, the end
of the time.
"""

from __future__ import annotations

import pytest

from tests.faults.calls import Call, Plan
from tests.faults.happenings import HAPPENINGS, Happening
from tests.faults.matrix import MakeWorld, Matrix
from tests.faults.selection import one_of, part_of
from tests.faults.tally import SESSION
from tests.faults.use_cases import USE_CASES, UseCase

CASES = [
    pytest.param(use_case, happening, id=f"{use_case.name}, {happening.name}")
    for use_case in USE_CASES
    for happening in HAPPENINGS
    if use_case.is_invoked or not happening.of_invocations
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize(("use_case", "happening"), part_of(CASES, metafunc.config))


def test_whatever_happens_at_a_call_breaks_no_promise(
    use_case: UseCase,
    happening: Happening,
    make_world: MakeWorld,
    recordings: dict[str, list[Call]],
    request: pytest.FixtureRequest,
) -> None:
    matrix = Matrix(use_case, make_world, SESSION, recordings)
    plans = [Plan(happening, call) for call in matrix.calls()]

    broken = matrix.try_all(one_of(plans, request.node.name, request.config))

    if broken:
        pytest.fail("\n".join(broken), pytrace=False)
