"""`python -m bench`: measures, prints the table and writes build/bench.json."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench.comparisons import figures
from bench.contenders import PROJECT
from bench.figures import as_json, as_parts, as_table
from bench.laboratory import Laboratory, Size
from bench.machine import busy, described
from bench.measure import BenchError, Rounds
from bench.phases import Phase, measure_all
from devstack.errors import StackError
from devstack.processes.children import Children
from devstack.stack import terminated_as_exit

QUICK = Size(rows=20_000, rest_rows=3_000, backups=200, files=200, tables=20, quick=True)


def main(argv: list[str]) -> int:
    """Returns 1 if something could not be measured. A missed target is not a failure."""
    options = _parser().parse_args(argv)
    size = QUICK if options.quick else Size(options.rows, options.rest_rows, options.checkpoint)
    repeat = 1 if options.quick else options.repeat
    with terminated_as_exit(), tempfile.TemporaryDirectory(prefix="supakeep-bench-") as temporary:
        folder = Path(temporary)
        rounds = Rounds(repeat, folder / "output.log", _tell)
        _tell(f"{described()}; {busy()}")
        try:
            with Children(folder) as children:
                laboratory = Laboratory(children, folder, options.store, options.postgres)
                measure_all(laboratory, rounds, size, options.only)
        except (BenchError, StackError) as error:
            sys.stderr.write(f"error: {error}\n")
            return 1
    table = figures(rounds, size.rows)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(as_json(table))
    _tell(f"\n{as_table(table)}\n")
    for figure in table:
        if figure.parts is not None:
            _tell(f"{figure.figure}: {as_parts(figure)}")
    _tell(f"\nmedians of {repeat}; {busy()}")
    _tell(f"written to {options.output}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rows", type=_count, default=1_000_000, help="transactions (1000000)")
    parser.add_argument(
        "--rest-rows", type=_count, default=300_000, help="the same for the rest engine (300000)"
    )
    parser.add_argument("--repeat", type=_count, default=3, help="runs of each command (3)")
    parser.add_argument(
        "--store", choices=["folder", "s3"], default="folder", help="where backups go (folder)"
    )
    parser.add_argument("--postgres", metavar="VERSION", help="18, 16, or a folder of programs")
    parser.add_argument(
        "--checkpoint", action="store_true", help="make one before each repair of 1 %% of the rows"
    )
    parser.add_argument(
        "--only",
        type=_phases,
        default=tuple(Phase),
        metavar="PHASES",
        help=f"some of {','.join(Phase)}, with commas (all of them)",
    )
    parser.add_argument("--quick", action="store_true", help="few rows, once: to see that it works")
    parser.add_argument("--output", type=Path, default=PROJECT / "build/bench.json")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def _phases(text: str) -> tuple[Phase, ...]:
    names = text.split(",")
    if unknown := [name for name in names if name not in tuple(Phase)]:
        known = ", ".join(Phase)
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {known}")
    return tuple(Phase(name) for name in names)


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - it prints to a terminal


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
