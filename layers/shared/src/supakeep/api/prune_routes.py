"""Routes of the prune function."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body

from supakeep.api.accept import accept
from supakeep.api.answers.runs import Accepted
from supakeep.api.contracts import PruneBody
from supakeep.api.request import Requests
from supakeep.domain.prune import PruneReport
from supakeep.domain.run import RunKind
from supakeep.usecases.run_prune import RunPrune


def add_prune_routes(resolver: APIGatewayHttpResolver, request: Requests) -> None:
    """`request` gives the request that is answered."""

    @resolver.post("/api/admin/prune")
    def start_prune(
        body: Annotated[PruneBody | None, Body()] = None,
    ) -> tuple[PruneReport | Accepted, int]:
        if body is not None and body.dry_run:
            prune = RunPrune(request().project, request().last_step)
            return prune.report(dry_run=True, stores=request().stores()), HTTPStatus.OK
        return accept(request(), RunKind.PRUNE, {"dry_run": False}), HTTPStatus.ACCEPTED
