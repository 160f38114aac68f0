"""The route for uptime monitors."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query

from supakeep.api.answers.health import Health
from supakeep.api.overview_routes import survey
from supakeep.api.request import Requests


def add_health_routes(resolver: APIGatewayHttpResolver, request: Requests) -> None:
    """`request` gives the request that is answered."""

    @resolver.get("/api/admin/health")
    def get_health(
        *,
        strict: Annotated[
            bool,
            Query(
                description="Answers 503 also where the data is safe and something is to be done."
            ),
        ] = False,
    ) -> tuple[Health, int]:
        health = Health.of(survey(request()))
        return health, health.http_status(strict=strict)
