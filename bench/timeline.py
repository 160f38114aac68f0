"""`python -m bench.timeline`: draws who has the cores during a backup, ours and pg_dump's."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from bench.comparisons import BACKUP
from bench.contenders import PROJECT
from bench.laboratory import Bench, Laboratory
from bench.machine import described
from bench.measure import BenchError, Contender
from bench.picture import Run, drawn
from bench.processor import watch
from devstack.errors import StackError
from devstack.processes.children import Children
from devstack.stack import terminated_as_exit


def main(argv: list[str]) -> int:
    """Returns 1 if something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.timeline", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="transactions (1000000)")
    parser.add_argument("--repeat", type=int, default=5, help="runs; the fastest one is drawn (5)")
    parser.add_argument("--output", type=Path, default=PROJECT / "docs/backup-cores.svg")
    options = parser.parse_args(argv)
    with terminated_as_exit(), tempfile.TemporaryDirectory(prefix="supakeep-bench-") as temporary:
        folder = Path(temporary)
        try:
            with Children(folder) as children:
                runs = _runs(Laboratory(children, folder, "folder", None), options)
        except (BenchError, StackError) as error:
            sys.stderr.write(f"error: {error}\n")
            return 1
    cores = os.cpu_count() or 1
    machine = f"{options.rows:,} rows; {described()}"
    options.output.write_text(drawn(runs, cores, machine))
    for run in runs:
        print(run.described(cores))  # noqa: T201 - it prints to a terminal
    return 0


def _runs(laboratory: Laboratory, options: argparse.Namespace) -> list[Run]:
    """The fastest run of each contender; they take turns."""
    with laboratory.bench(options.rows) as bench:
        dumps = (bench.pg_dump.directory(), bench.pg_dump.custom())
        contenders = [bench.supakeep.backup(BACKUP), *dumps]
        measured = [[_run(bench, one) for one in contenders] for _ in range(options.repeat)]
    return [min(runs, key=lambda run: run.seconds) for runs in zip(*measured, strict=True)]


def _run(bench: Bench, contender: Contender) -> Run:
    server = bench.database.server.child.popen.pid
    return Run(contender.name, watch(contender, server, bench.folder / "output.log"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
