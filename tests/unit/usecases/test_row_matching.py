from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator, Mapping

from hypothesis import given
from hypothesis import strategies as st

from supakeep.usecases.row_matching import RowMatching

KEYS = st.one_of(st.integers(-50, 50), st.text(max_size=3), st.just(10**30), st.just("NaN"))
SIDES = st.dictionaries(KEYS, st.integers(0, 2), max_size=30)


def lines(side: Mapping[object, int], order: list[object]) -> Iterator[bytes]:
    known = [key for key in order if key in side]
    return (json.dumps({"value": side[key], "id": key}).encode() for key in known)


@given(SIDES, SIDES, st.randoms())
def test_every_row_is_matched_by_its_key_however_the_keys_are_sorted(
    before: dict[object, int], after: dict[object, int], random: object
) -> None:
    order: list[object] = list({**before, **after})
    random.shuffle(order)  # type: ignore[attr-defined]
    other = list(order)
    random.shuffle(other)  # type: ignore[attr-defined]

    matching = RowMatching(["id"])
    found = [
        tuple(row and (json.loads(row)["id"], json.loads(row)["value"]) for row in pair)
        for pair in matching(lines(before, order), lines(after, other))
    ]

    expected = {
        key: (
            (key, before[key]) if key in before else None,
            (key, after[key]) if key in after else None,
        )
        for key in order
        if before.get(key) != after.get(key)
    }
    assert len(found) == len(expected)
    assert set(found) == set(expected.values())
    assert matching.unchanged == len(order) - len(expected)


def test_two_keys_of_several_columns_are_not_taken_for_one() -> None:
    before = [b'{"a":"x","b":"yz"}', b'{"a":"x,y","b":"z"}']
    after = [b'{"a":"xy","b":"z"}', b'{"a":"x","b":"y,z"}']

    found = list(RowMatching(["a", "b"])(iter(before), iter(after)))

    assert sorted(found, key=str) == sorted(
        [(row, None) for row in before] + [(None, row) for row in after], key=str
    )


def test_a_trailing_zero_is_a_difference() -> None:
    before = [b'{"id":1,"v":0.10}']
    after = [b'{"id":1,"v":0.1}']

    assert list(RowMatching(["id"])(iter(before), iter(after))) == [(before[0], after[0])]


def test_rows_that_wait_for_the_other_side_are_not_held_in_memory() -> None:
    def rows(start: int) -> Iterator[bytes]:
        return (b'{"id":%d,"v":"%s"}' % (n, b"x" * 3000) for n in range(start, start + 6000))

    tracemalloc.start()
    try:
        found = sum(1 for _ in RowMatching(["id"])(rows(0), rows(100_000)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert found == 12_000
    # all of them have 36 MB
    assert peak < 2_000_000
