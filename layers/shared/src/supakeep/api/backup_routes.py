"""Routes of the backup function."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body

from supakeep.api.accept import accept
from supakeep.api.answers.runs import Accepted
from supakeep.api.contracts import BackupBody
from supakeep.api.request import Requests
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import RunKind
from supakeep.usecases.run_backup import name_backup


def add_backup_routes(resolver: APIGatewayHttpResolver, request: Requests) -> None:
    """`request` gives the request that is answered."""

    @resolver.post("/api/admin/backup")
    def start_backup(
        body: Annotated[BackupBody | None, Body()] = None,
    ) -> tuple[Accepted, int]:
        name = name_backup(request().project, request().primary, scheduled=False).text
        accepted = {} if body is None else body.model_dump(exclude_defaults=True)
        work = {"name": name, "trigger": Trigger.API, **accepted}
        return accept(request(), RunKind.BACKUP, work, backup=name), HTTPStatus.ACCEPTED

    @resolver.route("/api/cron/backup", method=["GET", "POST"])
    def start_scheduled_backup() -> tuple[Accepted, int]:
        name = name_backup(request().project, request().primary, scheduled=True).text
        work = {"name": name, "trigger": Trigger.SCHEDULE}
        accepted = accept(request(), RunKind.BACKUP, work, backup=name, trigger=Trigger.SCHEDULE)
        return accepted, HTTPStatus.ACCEPTED
