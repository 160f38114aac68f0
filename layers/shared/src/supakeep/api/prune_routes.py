"""Routes of the prune function."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body

from supakeep.api.accept import accept
from supakeep.api.contracts import Accepted, PruneBody
from supakeep.domain.prune import PruneReport
from supakeep.domain.run import RunKind
from supakeep.ports import Project
from supakeep.usecases.run_prune import RunPrune


def add_prune_routes(resolver: APIGatewayHttpResolver, project: Callable[[], Project]) -> None:
    """`project` gives the project of the present invocation."""

    @resolver.post("/api/admin/prune")
    def start_prune(
        body: Annotated[PruneBody | None, Body()] = None,
    ) -> tuple[PruneReport | Accepted, int]:
        if body is not None and body.dry_run:
            return RunPrune(project()).report(dry_run=True), HTTPStatus.OK
        return accept(project(), RunKind.PRUNE, {"dry_run": False}), HTTPStatus.ACCEPTED
