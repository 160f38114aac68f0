"""A restore that loses its lease after the last row was written, and before the commit."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from supakeep.domain.run import lease_held
from supakeep.errors import LeaseHeldError
from tests.builders.postgres_project import PostgresProject

pytestmark = pytest.mark.integration


class TakenOver:
    """Progress and deadline of a run whose lease goes to another when its tables are complete."""

    def __init__(self) -> None:
        self._complete = False

    def expect(self, rows: Mapping[str, int]) -> None:
        pass

    def phase(self, name: str) -> None:
        pass

    def table(self, name: str, rows: int, status: str) -> None:  # noqa: ARG002
        self._complete = status == "complete"

    def check(self) -> None:
        if self._complete:
            raise lease_held("20261122T120501Z-other")


def test_a_restore_that_was_taken_over_keeps_nothing(project: PostgresProject) -> None:
    project.sql("create table items (id int primary key, note text); insert into items values (1)")
    backup = project.back_up()
    project.sql("update items set note = 'changed'")
    changed = project.dump()
    run = TakenOver()

    with pytest.raises(LeaseHeldError):
        project.restore(backup, progress=run, deadline=run)

    assert project.dump() == changed
