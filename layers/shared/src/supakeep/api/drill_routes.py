"""The routes on drills: start one, and read what was recorded of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from supakeep.api.accept import accept
from supakeep.api.answers.ledger import Ledger
from supakeep.api.answers.runs import Accepted
from supakeep.api.chain_page import chain_page
from supakeep.api.contracts import DrillBody
from supakeep.api.request import Requests
from supakeep.domain.run import RunKind
from supakeep.usecases.find_drilled import find_drilled
from supakeep.usecases.read_ledger import read_ledgers

DRILLS_PATH = "/api/admin/drills"
LEDGER_PATH = "/api/admin/ledger"


def add_drill_routes(resolver: APIGatewayHttpResolver, request: Requests) -> None:
    """`request` gives the request that is answered."""

    @resolver.post(DRILLS_PATH)
    def start_drill(body: Annotated[DrillBody | None, Body()] = None) -> tuple[Accepted, int]:
        asked, project = body or DrillBody(), request().project
        # a drills.sql that is wrong is better known now than when the run begins
        project.settings.assertions()
        now = project.clock.now()
        # `latest` may be another one when the work begins, and chance chooses once
        found = find_drilled(request().stores(), asked.name, project.ref, now=now)
        backup = found.manifest.backup
        accepted = accept(request(), RunKind.DRILL, {"name": backup}, backup=backup)
        return accepted, HTTPStatus.ACCEPTED

    @resolver.get(LEDGER_PATH)
    def get_ledger(
        limit: Annotated[int, Query(ge=1, le=100, description="So many at most.")] = 20,
        before: Annotated[
            str | None, Query(max_length=200, description="Continues below this entry.")
        ] = None,
        *,
        verify: Annotated[
            bool,
            Query(
                description="Reads the whole ledger, and says which entries were dropped, changed or forged."
            ),
        ] = False,
    ) -> Ledger:
        page = chain_page(request, read_ledgers, limit, before, verify=verify)
        return Ledger.page(page.chains, limit, page.verification)
