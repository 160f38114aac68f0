"""Every call that is about the files of a project goes wrong, once and for ever."""

from __future__ import annotations

import pytest

from tests.faults.calls import Call, Plan
from tests.faults.cases import NAMES, cases_of
from tests.faults.file_use_cases import FILE_USE_CASES, is_about_files
from tests.faults.http_faults import FAULTS, HttpFault
from tests.faults.matrix import MakeWorld, Matrix
from tests.faults.selection import one_of, part_of
from tests.faults.tally import SESSION
from tests.faults.use_cases import UseCase

CASES = cases_of(FILE_USE_CASES, FAULTS)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize(NAMES, part_of(CASES, metafunc.config))


def test_a_call_about_files_that_goes_wrong_breaks_no_promise(
    use_case: UseCase,
    fault: HttpFault,
    for_ever: bool,
    make_world_with_files: MakeWorld,
    recordings: dict[str, list[Call]],
    request: pytest.FixtureRequest,
) -> None:
    matrix = Matrix(use_case, make_world_with_files, SESSION, recordings)
    plans = [Plan(fault, call, for_ever) for call in matrix.calls() if is_about_files(call)]

    broken = matrix.try_all(one_of(plans, request.node.name, request.config))

    if broken:
        pytest.fail("\n".join(broken), pytrace=False)
