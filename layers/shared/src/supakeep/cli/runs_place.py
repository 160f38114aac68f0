"""Where the command line records its runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def with_runs_folder(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with the folder that records runs where it names none: that of the XDG base
    directory specification for what a program remembers. Without a home folder there is none.
    """
    values = dict(environment)
    state, home = values.get("XDG_STATE_HOME", "").strip(), values.get("HOME", "").strip()
    if not values.get("RUNS_FOLDER", "").strip() and (state or home):
        folder = Path(state) if state else Path(home) / ".local/state"
        values["RUNS_FOLDER"] = str(folder / "supakeep/runs")
    return values


def runs_place(table: str | None, folder: Path | None) -> str:
    """Where runs are recorded, and which ones; a table takes precedence over a folder."""
    if table is not None:
        return f"the table {table}, with the functions' runs"
    if folder is not None:
        return f"{folder}, this machine's runs only (no RUNS_TABLE)"
    return "this process only (no RUNS_TABLE, no home folder)"
