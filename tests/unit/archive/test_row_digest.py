"""A digest that two sets of rows share where they hold the same rows."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from supakeep.archive.row_digest import RowDigest

ROWS = st.lists(st.binary(max_size=8), max_size=20)


def digest_of(rows: list[bytes]) -> RowDigest:
    digest = RowDigest()
    digest.add(rows)
    return digest


@given(orders=ROWS.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_the_order_of_rows_does_not_matter(orders: tuple[list[bytes], list[bytes]]) -> None:
    rows, shuffled = orders

    assert digest_of(shuffled) == digest_of(rows)


@given(rows=ROWS, others=ROWS)
def test_other_rows_have_another_digest(rows: list[bytes], others: list[bytes]) -> None:
    assume(sorted(rows) != sorted(others))

    assert digest_of(rows) != digest_of(others)


@given(rows=ROWS, cut=st.integers(0, 20))
def test_rows_may_come_in_batches(rows: list[bytes], cut: int) -> None:
    digest = digest_of(rows[:cut])
    digest.add(rows[cut:])

    assert digest == digest_of(rows)
    assert digest.rows == len(rows)
