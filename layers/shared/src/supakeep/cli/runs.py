"""`supakeep runs`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from supakeep.cli.columns import aligned, widest
from supakeep.cli.command import GOOD
from supakeep.cli.completion import complete_runs
from supakeep.cli.run_report import print_run
from supakeep.cli.runs_place import runs_place
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.measures import duration_text
from supakeep.domain.run import Run, RunStatus
from supakeep.usecases.track_runs import TrackRuns

_HEAD = ("RUN", "WHAT", "BY", "STARTED (UTC)", "TOOK", "STATUS", "BACKUP")
_FEW = 20

RunId = Annotated[
    str | None,
    typer.Argument(
        metavar="[RUN]",
        help="The ID of one run, to see all of it.",
        show_default=False,
        autocompletion=complete_runs,
    ),
]
Last = Annotated[
    int | None,
    typer.Option(
        min=1, max=1000, metavar="N", help=f"So many of the newest runs. Default: {_FEW}."
    ),
]


def run(session: Session, run: RunId = None, last: Last = None) -> int:
    """Good whatever became of the runs: it is about them, not one of them."""
    if run is not None and last is not None:
        raise typer.BadParameter("name one run, or give --last for the newest ones")
    runs = TrackRuns.of(session.app)
    if run is not None:
        _print_one(session.terminal, runs.get(run))
        return GOOD
    found = runs.list(last or _FEW)
    if session.terminal.as_json:
        session.terminal.json({"runs": [as_json(run.without_details()) for run in found]})
        return GOOD
    settings = session.app.settings
    session.terminal.note(f"Runs in {runs_place(settings.runs_table, settings.runs_folder)}")
    _print_all(session.terminal, found)
    return GOOD


def as_json(run: Run) -> dict[str, Any]:
    """A run with what its record only implies."""
    return {
        **run.model_dump(mode="json"),
        "started_by": run.started_by,
        "duration_seconds": run.duration_seconds,
    }


def _print_one(terminal: Terminal, run: Run) -> None:
    if terminal.as_json:
        terminal.json(as_json(run))
    else:
        print_run(terminal, run)


def _print_all(terminal: Terminal, runs: Sequence[Run]) -> None:
    """A line for each run, and below it what is wrong with one that did not end well."""
    if not runs:
        terminal.line("No runs yet. `supakeep backup` is the first.")
        return
    cells = [_cells(run) for run in runs]
    lines = aligned([_HEAD, *cells])
    if widest(lines) > terminal.width:
        # `supakeep runs RUN` says which backup it was
        lines = aligned([row[:-1] for row in (_HEAD, *cells)])
    head, *lines = lines
    terminal.line(head)
    for run, line in zip(runs, lines, strict=True):
        terminal.line(line)
        for text in _remarks(run):
            terminal.entry(text)


def _cells(run: Run) -> tuple[str, ...]:
    started = run.started_at or run.requested_at
    took = "" if run.duration_seconds is None else duration_text(run.duration_seconds)
    return (
        *(run.id, run.kind, run.trigger),
        f"{started:%m-%d %H:%M}",
        *(took, run.status, run.backup or ""),
    )


def _remarks(run: Run) -> Sequence[str]:
    if run.error is not None:
        return [text for text in (run.error.message, run.error.hint) if text]
    if run.status is RunStatus.PARTIAL:
        return [f"`supakeep runs {run.id}` says what is missing"]
    return ()
