"""A run that is looked at while it works."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from tests.e2e.deployment import RUN_SECONDS, Deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def locked(supakeep: Deployment, table: str) -> Iterator[None]:
    """Whoever reads the table waits until the block ends."""
    with psycopg.connect(supakeep.stack.database_url) as connection:
        connection.execute(f"lock table {table} in access exclusive mode".encode())
        yield
        connection.rollback()


def watched(
    supakeep: Deployment, path: str, is_so: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """The run as soon as it looks like that."""
    give_up_at = time.monotonic() + RUN_SECONDS
    run: dict[str, Any] = supakeep.call("GET", path).json()
    while not is_so(run):
        assert time.monotonic() < give_up_at, run
        time.sleep(0.1)
        run = supakeep.call("GET", path).json()
    return run


def test_a_backup_shows_how_far_it_is_and_then_its_end(supakeep: Deployment) -> None:
    supakeep.back_up()
    supakeep.stack.wait_idle()
    # parents come last
    with locked(supakeep, "operation_costs"):
        accepted = supakeep.call("POST", "/api/admin/backup").json()

        run = watched(
            supakeep,
            accepted["status_url"],
            lambda run: (run["pace"] or {}).get("rows", 0) >= 11_523,
        )
        overview = supakeep.call("GET", "/api/admin/overview").json()

    assert (run["status"], run["pace"]["phase"]) == ("running", "exporting")
    assert run["pace"]["rows_expected"] == 11_535
    assert run["pace"]["rows_per_second"] > 0
    assert run["pace"]["seconds_left"] >= 0
    tables = run["tables"]
    assert tables["public.credit_transactions"] == {
        "rows": 10_000,
        "rows_expected": 10_000,
        "status": "complete",
    }
    assert tables["public.operation_costs"]["rows"] == 0
    assert tables["public.operation_costs"]["rows_expected"] == 12
    assert tables["public.operation_costs"]["status"] in ("waiting", "running")
    assert [running["id"] for running in overview["running"]] == [accepted["run_id"]]

    ended = supakeep.ended(accepted["status_url"])
    assert (ended["status"], ended["pace"]) == ("complete", None)
    assert ended["duration_seconds"] >= 0
    assert ended["tables"]["public.operation_costs"]["status"] == "complete"
