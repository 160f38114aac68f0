"""Routes of the prune function on pins: it alone may delete objects."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body

from supakeep.api.contracts import PinBody
from supakeep.api.request import Request, Requests
from supakeep.domain.backup_name import LATEST, BackupName
from supakeep.domain.pin_report import PinReport
from supakeep.usecases.pin_backup import PinBackup, unpin_backup
from supakeep.usecases.without_prunes import without_prunes

PATH = "/api/admin/backups/<name>/pin"


def add_pin_routes(resolver: APIGatewayHttpResolver, request: Requests) -> None:
    """`request` gives the request that is answered."""

    @resolver.put(PATH)
    def put_pin(name: str, body: Annotated[PinBody | None, Body()] = None) -> PinReport:
        project, until = request().project, None if body is None else body.until
        pin = PinBackup(project.keyring)
        with without_prunes(project):
            now = project.clock.now()
            report = pin(_named(request(), name), request().stores(), until=until, now=now)
        _record(request(), "pin", report)
        return report

    @resolver.delete(PATH)
    def delete_pin(name: str) -> PinReport:
        with without_prunes(request().project):
            report = unpin_backup(_named(request(), name), request().stores())
        _record(request(), "unpin", report)
        return report


def _record(request: Request, action: str, report: PinReport) -> None:
    outcome = "complete" if report.is_whole else "partial"
    request.audit_log.record(request.caller.actor, action, outcome, target=report.backup)


def _named(request: Request, name: str) -> BackupName:
    if name != LATEST:
        # one whose manifest is damaged can be pinned too
        return BackupName.parse(name)
    # what reads documents is loaded only here: no other request of this function needs it
    from supakeep.usecases.find_backups import find_backup

    project = request.project
    found = find_backup(request.stores(), name, project.ref, now=project.clock.now())
    return found.manifest.name
