"""Runs one command and reports how it went: `launcher.py REPORT COMMAND …`.

It is a separate and small process, since Linux counts the memory of the process that starts
another as that one's: the peak of a small command would be the benchmark's.
"""

from __future__ import annotations

import json
import os
import sys
import time

# ru_maxrss counts KiB on Linux and bytes on macOS
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def main(report: str, command: list[str]) -> None:
    """Writes `exit_code`, `seconds`, `processor_seconds` and `peak_bytes` as JSON."""
    began = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    measured = {
        "exit_code": os.waitstatus_to_exitcode(status),
        "seconds": time.perf_counter() - began,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * _RSS_UNIT,
    }
    with open(report, "w") as file:  # noqa: PTH123 - importing pathlib would take megabytes
        json.dump(measured, file)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
