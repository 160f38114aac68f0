"""The route on what of the project a backup holds."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query

from supakeep.api.request import Requests
from supakeep.api.stored_backup_routes import found_backup
from supakeep.domain.backup_name import LATEST
from supakeep.domain.coverage_report import CoverageReport

COVERAGE_PATH = "/api/admin/coverage"


def add_coverage_route(resolver: APIGatewayHttpResolver, request: Requests) -> None:
    """`request` gives the request that is answered."""

    @resolver.get(COVERAGE_PATH)
    def get_coverage(
        backup: Annotated[
            str, Query(max_length=200, description="A backup's name, or `latest`.")
        ] = LATEST,
    ) -> CoverageReport:
        return CoverageReport.of(found_backup(request(), backup).manifest)
