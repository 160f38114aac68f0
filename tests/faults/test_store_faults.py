"""Every call to Storage, S3, DynamoDB, Secrets Manager, Lambda and whoever is told of runs goes wrong, once and
for ever.
"""

from __future__ import annotations

import pytest

from tests.faults.calls import Call, Plan
from tests.faults.cases import NAMES, cases_of
from tests.faults.http_faults import FAULTS, HttpFault
from tests.faults.matrix import MakeWorld, Matrix
from tests.faults.scratch import SERVICE as SCRATCH
from tests.faults.selection import one_of, part_of
from tests.faults.tally import SESSION
from tests.faults.use_cases import USE_CASES, UseCase

CASES = cases_of(USE_CASES, FAULTS)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize(NAMES, part_of(CASES, metafunc.config))


def test_a_call_that_goes_wrong_breaks_no_promise(
    use_case: UseCase,
    fault: HttpFault,
    for_ever: bool,
    make_world: MakeWorld,
    recordings: dict[str, list[Call]],
    request: pytest.FixtureRequest,
) -> None:
    matrix = Matrix(use_case, make_world, SESSION, recordings)
    calls = [call for call in matrix.calls() if call.service != SCRATCH]
    plans = [Plan(fault, call, for_ever) for call in calls]

    broken = matrix.try_all(one_of(plans, request.node.name, request.config))

    if broken:
        pytest.fail("\n".join(broken), pytrace=False)
