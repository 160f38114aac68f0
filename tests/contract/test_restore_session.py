"""Batches that a restore writes while it prepares the next ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial

import psycopg
import pytest

from supakeep.databases.postgres.connection import Connection, connect
from supakeep.databases.postgres.restore.session import RestoreSession
from tests.builders.postgres_project import PostgresProject


def divide_by_zero(connection: Connection) -> None:
    connection.execute("select 1 / 0")


def do_nothing(_: Connection) -> None:
    """A batch that is written at once."""


@pytest.fixture
def session(project: PostgresProject) -> Iterator[RestoreSession]:
    with (
        closing(connect(project.url())) as connection,
        ThreadPoolExecutor(1) as background,
    ):
        connection.execute("begin")
        yield RestoreSession(connection, background, dry_run=False)


def test_batches_are_written_in_their_order(session: RestoreSession) -> None:
    written: list[int] = []

    def write(_: Connection, number: int) -> None:
        written.append(number)

    for number in range(20):
        session.write_later(partial(write, number=number))
    session.wait()

    assert written == list(range(20))


def test_no_batch_is_written_after_one_that_failed(session: RestoreSession) -> None:
    written: list[str] = []

    def write_all() -> None:
        session.write_later(divide_by_zero)
        for _ in range(10):
            session.write_later(lambda _: written.append("more"))
        session.wait()

    with pytest.raises(psycopg.errors.DivisionByZero):
        write_all()

    session.write_later(lambda _: written.append("late"))
    with pytest.raises(psycopg.errors.DivisionByZero):
        session.wait()
    assert written == []


def test_a_restore_that_starts_over_writes_again(session: RestoreSession) -> None:
    session.set_savepoint()
    session.write_later(divide_by_zero)
    with pytest.raises(psycopg.errors.DivisionByZero):
        session.wait()
    session.start_over()
    written: list[str] = []

    session.write_later(lambda _: written.append("again"))
    session.wait()

    assert written == ["again"]


def test_few_batches_wait_for_a_slow_database(session: RestoreSession) -> None:
    answered = threading.Event()

    def write_slowly(_: Connection) -> None:
        answered.wait(30)

    for _ in range(2):
        session.write_later(write_slowly)
    assert not answered.is_set()
    threading.Timer(0.2, answered.set).start()

    session.write_later(do_nothing)

    assert answered.is_set()
    session.wait()
