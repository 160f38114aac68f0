"""`python -m bench`: measures, prints the table and writes build/bench.json."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import phases
from bench.contenders import PROJECT
from bench.figures import as_json, as_table
from bench.measure import BenchError, Rounds
from local.children import Children
from local.errors import StackError
from local.stack import terminated_as_exit


def main(argv: list[str]) -> int:
    """1 where something could not be measured; figures that miss their target are no failure."""
    options = _parser().parse_args(argv)
    if options.quick:
        options.rows, options.rest_rows, options.repeat = 20_000, 3_000, 1
    try:
        with bench(options) as laboratory:
            figures = phases.measure_all(laboratory)
    except (BenchError, StackError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(as_json(figures))
    print(f"\n{as_table(figures)}\n\nwritten to {options.output}")
    return 0
