"""The command line: the same use cases from a shell.

Exit codes: 0 good, 1 failed, 2 wrong usage, 3 partial, 130 interrupted.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from supakeep.cli import output as cli_output
from supakeep.cli.arguments import build_parser
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.run import Run, RunKind, RunStatus, new_run_id, validated_run_id
from supakeep.domain.summary import BackupSummary
from supakeep.errors import SupakeepError
from supakeep.ports import ObjectStore
from supakeep.system import NoDeadline, refused_by_machine
from supakeep.usecases.find_backups import (
    find_backup,
    find_undo,
    list_backups,
    stores_holding,
)
from supakeep.usecases.verify_backup import VerifyBackup
from supakeep.wiring import Application, store_at

log = logging.getLogger(__name__)

GOOD, FAILED, PARTIAL, INTERRUPTED = 0, 1, 3, 130


class Session:
    """One invocation: its arguments, and what is built from them when it is needed."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.output = cli_output.Output(as_json=arguments.json)

    @cached_property
    def app(self) -> Application:
        environment = dict(os.environ)
        if self.arguments.config is not None:
            environment["SUPAKEEP_CONFIG"] = str(self.arguments.config)
        elif "SUPAKEEP_CONFIG" not in environment and Path("supakeep.toml").is_file():
            environment["SUPAKEEP_CONFIG"] = "supakeep.toml"
        return Application.from_environment(environment)

    @cached_property
    def stores(self) -> list[ObjectStore]:
        """Where backups are read from: --from, or Storage and then the mirror."""
        source: str | None = getattr(self.arguments, "source", None)
        if source is None:
            return self.app.stores
        if source in ("primary", "mirror"):
            return self.app.copies(source)
        return [store_at(source)]

    @property
    def is_elsewhere(self) -> bool:
        """The stores need no Supabase project: it may be gone."""
        source: str | None = getattr(self.arguments, "source", None)
        return source is not None and source not in ("primary", "mirror")

    @property
    def undo_source(self) -> str | None:
        """The --from that `undo` needs to find what a restore kept."""
        beside = self.is_elsewhere and self.app.keeps_undo_beside_backup
        return self.arguments.source if beside else None

    def new_run(self, kind: RunKind) -> Run:
        now = self.app.clock.now()
        run_id = new_run_id(now, secrets.token_hex(4))
        return Run(id=run_id, kind=kind, trigger="cli", requested_at=now)


def backup(session: Session) -> int:
    """Backs up into Storage and the mirror, or into the folder of --to."""
    folder = store_at(session.arguments.to) if session.arguments.to else None
    with session.output.progress(session.app):
        run = session.app.backup(session.new_run(RunKind.BACKUP), folder=folder)
    session.output.backup(BackupSummary.model_validate(run.result))
    return _exit_code(run)


def list_(session: Session) -> int:
    """Partial where a store could not be listed."""
    project = None if session.is_elsewhere else session.app.settings.project_ref
    listing = list_backups(session.stores, project)
    session.output.listing(listing)
    return PARTIAL if listing.problems else GOOD


def show(session: Session) -> int:
    """Reads the manifest alone; the backup's rows are not checked."""
    _, manifest = _find(session)
    holders = stores_holding(session.stores, manifest.name)
    session.output.backup(BackupSummary.of(manifest, holders))
    return GOOD


def restore(session: Session) -> int:
    """Partial where the database refused rows."""
    arguments = session.arguments
    request = RestoreRequest(
        name=arguments.name,
        confirm=arguments.confirm,
        tables=tuple(arguments.table),
        dry_run=arguments.dry_run,
        allow_other_project=arguments.allow_other_project,
        mode=RestoreMode(arguments.mode),
        where=dict(arguments.where),
        into_schema=arguments.into_schema,
        ignore_dropped_columns=arguments.ignore_dropped_columns,
        keep_undo=not arguments.no_undo,
    )
    return _restore(session, request)


def _restore(session: Session, request: RestoreRequest) -> int:
    with session.output.progress(session.app):
        run = session.app.restore(session.new_run(RunKind.RESTORE), request, stores=session.stores)
    session.output.restore(run, undo_from=session.undo_source)
    return _exit_code(run)


def undo(session: Session) -> int:
    """Restores the tables of a restore run as they were before it."""
    run_id = validated_run_id(session.arguments.run)
    _, manifest = find_undo(session.stores, run_id, session.app.settings.project_ref)
    request = RestoreRequest(
        name=manifest.backup,
        confirm=session.arguments.confirm,
        dry_run=session.arguments.dry_run,
        mode=RestoreMode.REPLACE,
    )
    return _restore(session, request)


def prune(session: Session) -> int:
    """Partial where a store could not be pruned to the end."""
    dry_run: bool = session.arguments.dry_run
    run = session.app.prune(session.new_run(RunKind.PRUNE), dry_run=dry_run, stores=session.stores)
    session.output.prune(run)
    return _exit_code(run)


def verify(session: Session) -> int:
    """Needs no database: failed, with the object's name, at the first damage."""
    store, manifest = _find(session)
    report = VerifyBackup(NoDeadline(), session.output)(store, manifest)
    session.output.verified(report)
    return GOOD


COMMANDS: dict[str, Callable[[Session], int]] = {
    "backup": backup,
    "list": list_,
    "show": show,
    "verify": verify,
    "restore": restore,
    "undo": undo,
    "prune": prune,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `supakeep`; returns the exit code."""
    arguments = build_parser(COMMANDS).parse_args(argv)
    _set_up_logging(verbose=arguments.verbose)
    session = Session(arguments)
    command: Callable[[Session], int] = arguments.command
    try:
        return command(session)
    except SupakeepError as error:
        session.output.error(error)
        return FAILED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # whoever read the output has gone (`supakeep list | head`)
        sys.stderr.close()
        return FAILED
    except OSError as error:
        log.debug("The machine refused", exc_info=True)
        session.output.error(refused_by_machine(error))
        return FAILED


def _set_up_logging(*, verbose: bool) -> None:
    """Details of Supakeep alone: those of boto3 hold the secret that it reads."""
    logging.basicConfig(level=logging.WARNING if verbose else logging.CRITICAL)
    logging.getLogger("supakeep").setLevel(logging.DEBUG if verbose else logging.CRITICAL)


def _find(session: Session) -> tuple[ObjectStore, cli_output.Manifest]:
    project = None if session.is_elsewhere else session.app.settings.project_ref
    return find_backup(session.stores, session.arguments.name, project)


def _exit_code(run: Run) -> int:
    return GOOD if run.status is RunStatus.COMPLETE else PARTIAL
