"""Every call of a drill to the server that it restores into fails, or is answered with a lie."""

from __future__ import annotations

import pytest

from tests.faults.calls import Call, Plan
from tests.faults.matrix import MakeWorld, Matrix
from tests.faults.scratch import SERVER_FAULTS, SERVICE, ServerFault
from tests.faults.selection import one_of, part_of
from tests.faults.tally import SESSION
from tests.faults.use_cases import USE_CASES

[DRILL] = [use_case for use_case in USE_CASES if use_case.name == "drill"]
CASES = [
    pytest.param(fault, for_ever, id=f"drill, {fault.name} {'for ever' if for_ever else 'once'}")
    for for_ever in (False, True)
    for fault in SERVER_FAULTS
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize(("fault", "for_ever"), part_of(CASES, metafunc.config))


def test_a_scratch_server_that_fails_or_lies_proves_nothing(
    fault: ServerFault,
    for_ever: bool,
    make_world: MakeWorld,
    recordings: dict[str, list[Call]],
    request: pytest.FixtureRequest,
) -> None:
    matrix = Matrix(DRILL, make_world, SESSION, recordings)
    calls = [call for call in matrix.calls() if call.service == SERVICE]
    plans = [Plan(fault, call, for_ever) for call in calls]

    broken = matrix.try_all(one_of(plans, request.node.name, request.config))

    if broken:
        pytest.fail("\n".join(broken), pytrace=False)
