"""Routes of the prune function."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body

from supakeep.api.accept import accept
from supakeep.api.contracts import Accepted, PruneBody
from supakeep.domain.run import RunKind
from supakeep.usecases.prune_backups import PruneReport
from supakeep.wiring import Application


def add_prune_routes(resolver: APIGatewayHttpResolver, app: Callable[[], Application]) -> None:
    """`app` gives the application of the present invocation."""

    @resolver.post("/api/admin/prune")
    def start_prune(
        body: Annotated[PruneBody | None, Body()] = None,
    ) -> tuple[PruneReport | Accepted, int]:
        if body is not None and body.dry_run:
            return app().prune_report(dry_run=True), HTTPStatus.OK
        return accept(app(), RunKind.PRUNE, {"dry_run": False}), HTTPStatus.ACCEPTED
