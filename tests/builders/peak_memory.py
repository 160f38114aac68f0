"""How much memory a command takes, in a process of its own. Linux only."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# prints its own peak of resident memory, in KiB, when the command has ended; not getrusage's,
# which Linux hands down from the process that started this one
_MEASURED = """
import re, sys
from pathlib import Path
from supakeep.cli.main import main
code = main(sys.argv[1:])
status = Path("/proc/self/status").read_text()
print(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1], file=sys.stderr)
sys.exit(code)
"""


def peak_kib(
    *arguments: str, environment: Mapping[str, str], folder: Path | None = None
) -> tuple[int, str]:
    """The peak of `supakeep`'s resident memory in KiB, and what it printed; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=170,
        check=True,
    )
    return int(done.stderr.splitlines()[-1]), done.stdout
