"""Routes of the restore function that write: a restore, and its undo."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from supakeep.api.accept import accept
from supakeep.api.answers.runs import Accepted
from supakeep.api.contracts import RestoreBody, UndoBody
from supakeep.api.request import Request, Requests
from supakeep.api.stored_backup_routes import found_backup
from supakeep.archive.decoder import Decoder
from supakeep.domain.manifest import Manifest
from supakeep.domain.restore import RestoreRequest
from supakeep.domain.restore_choice import choose_tables
from supakeep.domain.restore_plan import check_confirmation, check_mode
from supakeep.domain.row_changes import RestoreMode
from supakeep.domain.run import RunKind
from supakeep.errors import InvalidRequestError
from supakeep.usecases.find_undo import find_last_undo, find_undo, tables_restored
from supakeep.usecases.track_runs import TrackRuns


def add_restore_routes(resolver: APIGatewayHttpResolver, request: Requests) -> None:
    """`request` gives the request that is answered."""

    @resolver.post("/api/admin/restore")
    def start_restore(body: RestoreBody) -> tuple[Accepted, int]:
        # what is wrong with the request is reported now, not in the run's record later
        asked = body.request()
        check_mode(asked, request().project.engine)
        found = found_backup(request(), body.name, body.read_from)
        asked = asked.model_copy(update={"passed_over": found.passed_over})
        return _accept(request(), asked, found.manifest), HTTPStatus.ACCEPTED

    @resolver.post("/api/admin/restore/undo")
    def start_undo(body: UndoBody) -> tuple[Accepted, int]:
        _check_undo(request())
        manifest = _undo_copy(request(), body.run_id)
        tables = tables_restored(TrackRuns.of(request().project), manifest)
        asked = RestoreRequest(
            name=manifest.backup,
            confirm=body.confirm,
            tables=tables if body.tables is None else tuple(body.tables),
            dry_run=body.dry_run,
            mode=RestoreMode.REPLACE,
        )
        return _accept(request(), asked, manifest), HTTPStatus.ACCEPTED


def _accept(request: Request, asked: RestoreRequest, manifest: Manifest) -> Accepted:
    choose_tables(manifest, asked, request.project.policy)
    check_confirmation(asked, manifest, request.project.ref, request.project.destination)
    _check_identity(request, manifest)
    # `latest` may be another one when the work begins
    work = asked.model_copy(update={"name": manifest.backup}).model_dump(mode="json")
    return accept(request, RunKind.RESTORE, work, backup=manifest.backup)


def _check_identity(request: Request, manifest: Manifest) -> None:
    decoder = Decoder(manifest)
    decoder.unlock(request.project.identities)
    decoder.require_identity()


def _check_undo(request: Request) -> None:
    if not request.project.engine.can_undo:
        raise InvalidRequestError(
            f"The {request.project.engine.name} engine cannot undo a restore",
            operation="undo",
            key="SUPABASE_DB_URL",
            hint="Set SUPABASE_DB_URL: restores with the postgres engine can be undone. To bring rows "
            "back now, restore them from a backup that has them.",
        )


def _undo_copy(request: Request, run_id: str | None) -> Manifest:
    stores, project = request.stores(), request.project.ref
    if run_id is not None:
        return find_undo(stores, run_id, project)
    return find_last_undo(stores, project, request.project.clock.now())
