"""What a drill's report concludes from its rungs."""

from __future__ import annotations

import pytest

from supakeep.domain.drill import DrillReport, Rung, RungOutcome, RungReport
from supakeep.domain.manifest_parts import Problem

PROVEN, FAILED, NOT_TRIED = RungOutcome.PROVEN, RungOutcome.FAILED, RungOutcome.NOT_TRIED


def report_of(*outcomes: RungOutcome) -> DrillReport:
    rungs = [
        RungReport(
            rung=rung,
            outcome=outcome,
            problems=() if outcome is PROVEN else (Problem(message=f"{rung} {outcome}"),),
        )
        for rung, outcome in zip(Rung, outcomes, strict=True)
    ]
    return DrillReport(backup="backup_shop_2026-11-22", into="embedded", rungs=tuple(rungs))


def test_the_rung_that_is_reached_has_every_rung_below_it_proven() -> None:
    report = report_of(PROVEN, FAILED, PROVEN, PROVEN, NOT_TRIED)

    assert report.reached is Rung.STORED
    assert report.proven == (Rung.STORED, Rung.RESTORABLE, Rung.IDENTICAL)


def test_a_drill_without_assertions_has_not_failed() -> None:
    report = report_of(PROVEN, PROVEN, PROVEN, PROVEN, NOT_TRIED)

    assert (report.reached, report.is_whole, report.problems) == (Rung.IDENTICAL, True, ())


@pytest.mark.parametrize("wrong", range(5))
def test_a_failed_rung_is_a_problem_of_the_report(wrong: int) -> None:
    outcomes = [PROVEN] * 5
    outcomes[wrong] = FAILED

    report = report_of(*outcomes)

    assert not report.is_whole
    assert [problem.message for problem in report.problems] == [f"{[*Rung][wrong]} failed"]


@pytest.mark.parametrize(
    ("outcomes", "restores"),
    [
        # one copy lacks something, and another one gave every row back
        ((FAILED, PROVEN, PROVEN, PROVEN, NOT_TRIED), True),
        ((PROVEN, PROVEN, PROVEN, PROVEN, FAILED), True),
        ((PROVEN, PROVEN, PROVEN, FAILED, NOT_TRIED), False),
        ((PROVEN, PROVEN, FAILED, NOT_TRIED, NOT_TRIED), False),
    ],
)
def test_a_backup_restores_where_its_rows_came_back_as_they_were(
    outcomes: tuple[RungOutcome, ...], restores: bool
) -> None:
    assert report_of(*outcomes).restores is restores
