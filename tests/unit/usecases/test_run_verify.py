from __future__ import annotations

import pytest

from supakeep.domain.run import Run, RunKind, RunStatus
from supakeep.domain.verification import VerificationReport
from supakeep.errors import ChecksumError, DeadlineExceededError, InvalidRequestError
from supakeep.usecases.run_verify import RunVerify
from supakeep.usecases.track_runs import TrackRuns
from tests.builders.backups import NAME, a_shop, back_up
from tests.builders.lambda_events import Project, ServedProject
from tests.fakes.faulty_object_store import BitFlippingObjectStore, FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.runs import InMemoryDispatcher
from tests.fakes.time import ExpiringDeadline, FixedClock
from tests.unit.usecases.running import a_run

RUN = a_run(kind=RunKind.VERIFY)


@pytest.fixture
def project(clock: FixedClock) -> ServedProject:
    """One backup in two places."""
    database = a_shop()
    primary, mirror = InMemoryObjectStore(clock=clock), InMemoryObjectStore("mirror", clock=clock)
    back_up(database, primary, mirror)
    return Project(database, primary, mirror, InMemoryDispatcher(), clock).served()


def verified(run: Run) -> dict[str, bool]:
    assert isinstance(run.result, VerificationReport)
    return {copy.store: copy.good for copy in run.result.copies}


def test_every_copy_is_read_and_reported(project: ServedProject) -> None:
    run = RunVerify(project)(RUN, NAME.text)

    assert run.status is RunStatus.COMPLETE
    assert verified(run) == {"primary": True, "mirror": True}
    assert run.backup == NAME.text
    assert run.result is not None
    assert run.result.model_dump()["copies"][0]["tables"]["public.orders"] == 5


def test_a_damaged_copy_is_named_and_the_other_one_found_good(project: ServedProject) -> None:
    project.primary = BitFlippingObjectStore(project.primary, NAME.document_key, 99)

    run = RunVerify(project)(RUN, NAME.text)

    assert run.status is RunStatus.PARTIAL
    assert verified(run) == {"primary": False, "mirror": True}
    assert run.result is not None
    [problem] = run.result.problems
    assert "SHA-256" in problem.message


def test_a_copy_that_is_missing_or_out_of_reach_is_not_good(project: ServedProject) -> None:
    assert project.mirror is not None
    project.mirror.delete(NAME.manifest_key)
    assert verified(RunVerify(project)(RUN, NAME.text)) == {"primary": True, "mirror": False}

    project.mirror = FailingObjectStore(project.mirror, "read")
    again = a_run("again", RunKind.VERIFY)
    assert verified(RunVerify(project)(again, NAME.text)) == {"primary": True, "mirror": False}


def test_one_copy_may_be_chosen(project: ServedProject) -> None:
    project.primary = FailingObjectStore(project.primary, "read")

    assert verified(RunVerify(project)(RUN, NAME.text, "mirror")) == {"mirror": True}


def test_where_no_copy_is_good_the_run_fails_with_the_reason(project: ServedProject) -> None:
    assert project.mirror is not None
    project.primary = BitFlippingObjectStore(project.primary, NAME.document_key, 99)
    project.mirror = BitFlippingObjectStore(project.mirror, NAME.document_key, 99)

    with pytest.raises(ChecksumError):
        RunVerify(project)(RUN, NAME.text)

    run = TrackRuns.of(project).get(RUN.id)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert "SHA-256" in run.error.message


def test_time_that_runs_out_is_no_damage(project: ServedProject) -> None:
    with pytest.raises(DeadlineExceededError):
        RunVerify(project, ExpiringDeadline(2))(RUN, NAME.text)


def test_what_is_no_backups_name_is_refused(project: ServedProject) -> None:
    with pytest.raises(InvalidRequestError):
        RunVerify(project)(RUN, "../x")
