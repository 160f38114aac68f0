"""How a restore without a transaction cuts its batches, and around which rows."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supakeep.databases.data_api import writer as writing
from supakeep.databases.data_api.tree import parents_first
from supakeep.databases.data_api.writer import RefusingWriter, UpsertCounts
from supakeep.domain.schema import ForeignKey, Table
from supakeep.errors import (
    ConstraintViolationError,
    StatementTimeoutError,
    StatementTooLargeError,
)
from tests.builders.tables import a_table

NOTES = a_table("notes")
TREE = a_table("tree", "parent", references=("public.tree",)).model_copy(
    update={
        "foreign_keys": (
            ForeignKey(
                name="tree_parent_fkey",
                columns=("parent",),
                parent="public.tree",
                parent_schema="public",
                parent_name="tree",
                parent_columns=("id",),
            ),
        )
    }
)


class Server:
    """Writes at most `most_rows` at once, none of which may be among `broken`."""

    def __init__(
        self,
        most_rows: int = 10**9,
        *,
        error: type[Exception] = StatementTimeoutError,
        broken: Sequence[int] = (),
        is_tree: bool = False,
    ) -> None:
        self.most_rows, self.error, self.broken, self.is_tree = most_rows, error, broken, is_tree
        self.calls: list[int] = []
        self.written: list[int] = []

    def upsert(self, rows: Sequence[bytes]) -> UpsertCounts:
        self.calls.append(len(rows))
        fields = [json.loads(row) for row in rows]
        ids = [row["id"] for row in fields]
        if len(rows) > self.most_rows:
            raise self.error("too much", operation="query")  # type: ignore[call-arg]
        known = {None, *self.written, *ids}
        if set(self.broken) & set(ids) or (
            self.is_tree and any(row["parent"] not in known for row in fields)
        ):
            raise ConstraintViolationError("no", operation="restore", hint="Bring them back first.")
        self.written += ids
        return UpsertCounts(len(rows), 0, 0)

    def writer(self, table: Table = NOTES) -> RefusingWriter:
        return RefusingWriter(table, (), self.upsert, dry_run=False)


def notes(count: int) -> list[bytes]:
    return [b'{"id":%d}' % n for n in range(count)]


@pytest.mark.parametrize("error", [StatementTimeoutError, StatementTooLargeError])
def test_a_batch_that_is_too_much_is_halved_and_what_worked_is_remembered(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    # no batch is quick enough to try a larger one
    monkeypatch.setattr(writing, "_QUICK_SECONDS", 0)
    server = Server(300, error=error)
    writer = server.writer()

    writer.write(notes(1000))
    writer.write(notes(1000))

    assert server.written == [*range(1000), *range(1000)]
    assert server.calls == [1000, 500, *[250] * 8]
    assert writer.changes.inserted == 2000


def test_batches_grow_again_while_the_server_is_quick() -> None:
    server = Server(2)
    writer = server.writer()
    writer.write(notes(8))
    server.calls.clear()

    server.most_rows = 10**9
    writer.write(notes(1000))

    assert server.calls == [4, 8, 16, 32, 64, 128, 256, 492]


def test_batches_that_were_too_large_are_not_tried_again() -> None:
    server = Server(300, error=StatementTooLargeError)
    writer = server.writer()

    writer.write(notes(1000))
    writer.write(notes(1000))

    assert server.calls == [1000, 500, *[250] * 8]


def test_a_single_row_that_times_out_ends_the_restore() -> None:
    with pytest.raises(StatementTimeoutError):
        Server(0).writer().write(notes(4))


def test_a_single_row_that_is_too_large_is_refused() -> None:
    server = Server(0, error=StatementTooLargeError)
    writer = server.writer()

    writer.write(notes(4))
    assert not writer.finish()

    assert (writer.changes.refused, writer.changes.inserted) == (4, 0)


@given(st.sets(st.integers(0, 199)), st.integers(1, 250))
def test_exactly_the_refused_rows_are_left_out(broken: set[int], most_rows: int) -> None:
    server = Server(most_rows, broken=sorted(broken))
    writer = server.writer()

    writer.write(notes(200))
    writer.finish()

    assert server.written == [n for n in range(200) if n not in broken]
    assert writer.changes.refused == len(broken)
    assert writer.changes.notes == (["Bring them back first."] if broken else [])


@given(st.permutations(range(60)), st.integers(1, 60))
def test_a_tree_is_written_whole_however_small_the_batches(
    order: Sequence[int], most_rows: int
) -> None:
    rows = [json.dumps({"id": n, "parent": (n - 1) // 2 if n else None}).encode() for n in order]
    server = Server(most_rows, is_tree=True)
    writer = server.writer(TREE)

    writer.write(rows)

    assert not writer.finish()
    assert sorted(server.written) == list(range(60))
    assert writer.changes.refused == 0


def test_rows_that_wait_for_a_later_one_are_written_once_in_a_second_pass() -> None:
    first, second = [b'{"id":2,"parent":1}', b'{"id":3,"parent":null}'], [b'{"id":1,"parent":null}']
    server = Server(is_tree=True)
    writer = server.writer(TREE)

    again = True
    while again:
        writer.write(first)
        writer.write(second)
        again = writer.finish()

    assert sorted(server.written) == [1, 2, 3]
    assert (writer.changes.inserted, writer.changes.unchanged, writer.changes.refused) == (3, 0, 0)


@given(st.lists(st.none() | st.integers(0, 19), min_size=20, max_size=20))
def test_whatever_refers_to_what_every_row_is_there_once(parents: list[int | None]) -> None:
    rows = [json.dumps({"id": n, "parent": parent}).encode() for n, parent in enumerate(parents)]

    ordered = parents_first(rows, TREE)

    assert sorted(ordered) == sorted(rows)
    places = {json.loads(row)["id"]: place for place, row in enumerate(ordered)}
    for n, parent in enumerate(parents):
        if parent is not None and not in_cycle(n, parents):
            assert places[parent] < places[n]


def in_cycle(start: int, parents: Sequence[int | None]) -> bool:
    """Whether the row's lineage leads back to the row itself."""
    node = parents[start]
    for _ in parents:
        if node is None or node == start:
            break
        node = parents[node]
    return node == start


def test_rows_of_a_table_that_does_not_refer_to_itself_keep_their_order() -> None:
    rows = notes(3)[::-1]

    assert parents_first(rows, NOTES) is rows
