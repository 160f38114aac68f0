"""What the shell offers for completion. It never fails and never asks: it offers nothing instead."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from supakeep.cli.copies import Copies
    from supakeep.wiring import SupabaseProject

_MOST = 50


def complete_backups(context: typer.Context, incomplete: str) -> list[str]:
    """The names of the backups that --from, or the project's stores, hold."""

    def names() -> list[str]:
        from supakeep.usecases.list_backups import list_backups

        copies = _copies(context)
        listing = list_backups(copies.stores, copies.project)
        return ["latest", *(backup.name.text for backup in listing.backups)]

    return _offered(names, incomplete)


def complete_tables(context: typer.Context, incomplete: str) -> list[str]:
    """The tables of the backup that the line names so far, or of the newest."""

    def names() -> list[str]:
        from supakeep.system import SystemClock

        name = context.params.get("name") or "latest"
        found = _copies(context).find(name, SystemClock().now())
        return [table.name for table in found.manifest.tables]

    return _offered(names, incomplete)


def complete_runs(context: typer.Context, incomplete: str) -> list[str]:  # noqa: ARG001
    """The IDs of the newest runs."""

    def ids() -> list[str]:
        from supakeep.usecases.track_runs import TrackRuns

        return [run.id for run in TrackRuns.of(_project()).list(_MOST)]

    return _offered(ids, incomplete)


def _copies(context: typer.Context) -> Copies:
    from supakeep.cli.copies import copies_from
    from supakeep.wiring import store_at

    return copies_from(context.params.get("source"), _project, store_at)


def _project() -> SupabaseProject:
    from supakeep.cli.runs_place import with_runs_folder
    from supakeep.wiring import SupabaseProject

    return SupabaseProject.from_environment(with_runs_folder(os.environ))


def _offered(names: Callable[[], Iterable[str]], incomplete: str) -> list[str]:
    try:
        return [name for name in names() if name.startswith(incomplete)][:_MOST]
    except Exception:  # noqa: BLE001 - a message would end up in the line that is being typed
        return []
