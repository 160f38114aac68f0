"""Routes of the backup function."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from supakeep.api.accept import accept
from supakeep.api.contracts import Accepted
from supakeep.domain.run import RunKind
from supakeep.wiring import Application


def add_backup_routes(resolver: APIGatewayHttpResolver, app: Callable[[], Application]) -> None:
    """`app` gives the application of the present invocation."""

    @resolver.post("/api/admin/backup")
    def start_backup() -> tuple[Accepted, int]:
        name = app().choose_backup_name(scheduled=False).text
        work = {"name": name, "trigger": "api"}
        return accept(app(), RunKind.BACKUP, work, backup=name), HTTPStatus.ACCEPTED

    @resolver.route("/api/cron/backup", method=["GET", "POST"])
    def start_scheduled_backup() -> tuple[Accepted, int]:
        name = app().choose_backup_name(scheduled=True).text
        work = {"name": name, "trigger": "schedule"}
        accepted = accept(app(), RunKind.BACKUP, work, backup=name, trigger="schedule")
        return accepted, HTTPStatus.ACCEPTED
