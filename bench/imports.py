"""What each dependency costs of an import, from the report of `python -X importtime`."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator

INTERPRETER = "the interpreter"
_LINE = re.compile(r"import time: +(\d+) \| +\d+ \| ( *)(\S+)")
_MICROSECONDS = 1e6
_INDENT = 2
# functions/*/app.py is Supakeep's too
_OURS = {"app": "supakeep"}


def cost_by_package(report: str) -> dict[str, float]:
    """Seconds by top-level package, the most expensive one first.

    A module of the standard library counts for the package that imported it first, and what Python
    imports by itself for the interpreter.
    """
    costs: defaultdict[str, float] = defaultdict(float)
    above: list[str] = []
    # the report has a module after those that it imports
    for name, depth, seconds in reversed(list(_modules(report))):
        del above[depth:]
        above.append(_package(name, above[-1] if above else INTERPRETER))
        costs[above[-1]] += seconds
    return dict(sorted(costs.items(), key=lambda item: -item[1]))


def _modules(report: str) -> Iterator[tuple[str, int, float]]:
    """Name, depth and seconds (without its imports) of each module, as they were finished."""
    for found in _LINE.finditer(report):
        microseconds, indent, name = found.groups()
        yield name, len(indent) // _INDENT, int(microseconds) / _MICROSECONDS


def _package(module: str, importer: str) -> str:
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top.startswith("_"):
        return importer
    return _OURS.get(top, top)
