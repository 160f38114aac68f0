"""The machine that measured, and its load."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from pathlib import Path


def described() -> str:
    """Cores, processor, memory, system and Python."""
    cores = f"{os.cpu_count()} cores of {_processor()}"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    system = f"{platform.system()} {platform.release()}"
    return f"{cores}, {memory:.0f} GB, {system}, Python {platform.python_version()}"


def busy() -> str:
    """The load averages; the benchmark itself causes about as much load as it uses cores."""
    one, five, fifteen = os.getloadavg()
    return f"load average {one:.1f} {five:.1f} {fifteen:.1f} (1, 5, 15 minutes)"


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
