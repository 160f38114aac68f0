from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.builders.peak_memory import peak_kib
from tests.e2e.deployment import Deployment

FEW, MANY = 40_000, 200_000
MOST_KIB = 200 * 1024


def measured(supakeep: Deployment, *arguments: str) -> int:
    environment = {**os.environ, **supakeep.shell_environment, "MAX_OBJECT_BYTES": "4000000"}
    peak, _ = peak_kib(*arguments, environment=environment)
    return peak


def fill(supakeep: Deployment, rows: int) -> None:
    supakeep.execute(
        "drop table if exists ledger;"
        "create table ledger (id bigint primary key, amount numeric, note text);"
        "insert into ledger select g, g * 1.0001, repeat('note ', 20) "
        f"from generate_series(1, {rows}) g"
    )


@pytest.mark.timeout(600)
def test_memory_does_not_grow_with_the_table(supakeep: Deployment, tmp_path: Path) -> None:
    policy = tmp_path / "supakeep.toml"
    policy.write_text('[[table]]\nname = "ledger"\n')
    peaks: dict[str, list[int]] = {"backup": [], "dry run": [], "restore": []}
    try:
        for rows in (FEW, MANY):
            folder = str(tmp_path / str(rows))
            fill(supakeep, rows)
            peaks["backup"].append(
                measured(supakeep, "backup", "--to", folder, "--config", str(policy))
            )
            supakeep.execute("truncate ledger")
            for kind, how in (("dry run", ["--dry-run"]), ("restore", ["--confirm", supakeep.ref])):
                peaks[kind].append(
                    measured(
                        supakeep, "restore", "latest", "--from", folder, "--table", "ledger", *how
                    )
                )
            assert supakeep.execute("select count(*) from ledger") == [(rows,)]
    finally:
        supakeep.execute("drop table if exists ledger")

    for few, many in peaks.values():
        assert many <= 1.1 * few, peaks
        assert many < MOST_KIB, peaks
