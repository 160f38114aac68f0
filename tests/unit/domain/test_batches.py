from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from supakeep.domain.batches import batches

GROUPS = st.lists(st.lists(st.binary(max_size=12), max_size=8), max_size=8)


@given(GROUPS, st.integers(1, 5), st.integers(1, 20))
def test_batches_hold_every_row_in_order_and_keep_to_their_bounds(
    groups: list[list[bytes]], most_rows: int, most_bytes: int
) -> None:
    made = list(batches(groups, most_rows=most_rows, most_bytes=most_bytes))

    assert [row for batch in made for row in batch] == [row for rows in groups for row in rows]
    for batch in made:
        assert 1 <= len(batch) <= most_rows
        assert len(batch) == 1 or sum(map(len, batch)) <= most_bytes


@given(GROUPS)
def test_batches_are_as_large_as_they_may_be(groups: list[list[bytes]]) -> None:
    made = list(batches(groups, most_rows=3, most_bytes=1_000))

    assert all(len(batch) == 3 for batch in made[:-1])
