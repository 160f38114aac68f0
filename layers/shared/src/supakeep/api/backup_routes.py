"""Routes of the backup function."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from supakeep.api.accept import accept
from supakeep.api.contracts import Accepted
from supakeep.domain.manifest import Trigger
from supakeep.domain.run import RunKind
from supakeep.ports import Project
from supakeep.usecases.run_backup import name_backup


def add_backup_routes(resolver: APIGatewayHttpResolver, project: Callable[[], Project]) -> None:
    """`project` gives the project of the present invocation."""

    @resolver.post("/api/admin/backup")
    def start_backup() -> tuple[Accepted, int]:
        name = name_backup(project(), scheduled=False).text
        work = {"name": name, "trigger": Trigger.API}
        return accept(project(), RunKind.BACKUP, work, backup=name), HTTPStatus.ACCEPTED

    @resolver.route("/api/cron/backup", method=["GET", "POST"])
    def start_scheduled_backup() -> tuple[Accepted, int]:
        name = name_backup(project(), scheduled=True).text
        work = {"name": name, "trigger": Trigger.SCHEDULE}
        accepted = accept(project(), RunKind.BACKUP, work, backup=name, trigger=Trigger.SCHEDULE)
        return accepted, HTTPStatus.ACCEPTED
