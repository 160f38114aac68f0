from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.deployment import Deployment

FEW, MANY = 50_000, 500_000
MOST_KIB = 200 * 1024

# prints its own peak of resident memory, in KiB, when the command has ended; not getrusage's,
# which Linux hands down from the process that started this one
MEASURED = """
import re, sys
from pathlib import Path
from supakeep.cli.main import main
code = main(sys.argv[1:])
status = Path("/proc/self/status").read_text()
print(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1], file=sys.stderr)
sys.exit(code)
"""


def peak_kib(supakeep: Deployment, *arguments: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *arguments],
        env={**os.environ, **supakeep.shell_environment, "MAX_OBJECT_BYTES": "4000000"},
        capture_output=True,
        text=True,
        timeout=170,
        check=True,
    )
    return int(done.stderr.splitlines()[-1])


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
    peaks: dict[str, list[int]] = {"backup": [], "restore": []}
    try:
        for rows in (FEW, MANY):
            folder = str(tmp_path / str(rows))
            fill(supakeep, rows)
            peaks["backup"].append(
                peak_kib(supakeep, "backup", "--to", folder, "--config", str(policy))
            )
            supakeep.execute("truncate ledger")
            peaks["restore"].append(
                peak_kib(supakeep, "restore", "latest", "--from", folder, "--confirm", supakeep.ref)
            )
            assert supakeep.execute("select count(*) from ledger") == [(rows,)]
    finally:
        supakeep.execute("drop table if exists ledger")

    for few, many in peaks.values():
        assert many <= 1.1 * few, peaks
        assert many < MOST_KIB, peaks
