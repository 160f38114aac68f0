from __future__ import annotations

import pytest

from supakeep.domain.proof import ProvenRestore
from tests.fakes.time import NOON


@pytest.mark.parametrize(
    ("rows", "milliseconds", "now", "seconds"),
    [
        (1_000, 4_000, 1_000, 4),
        (1_000, 4_000, 60_000, 240),
        (1_000, 4_001, 1_000, 5),
        (0, 900, 0, 1),
        (14_701, 300, 12, 1),
        (1_000, None, 1_000, None),
    ],
    ids=["as many", "sixty times", "rounded up", "no row", "under a second", "not measured"],
)
def test_the_time_of_a_drill_is_scaled_by_the_rows(
    rows: int, milliseconds: int | None, now: int, seconds: int | None
) -> None:
    assert ProvenRestore(NOON, rows, milliseconds).seconds_for(now) == seconds
