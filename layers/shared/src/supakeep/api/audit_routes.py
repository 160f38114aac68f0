"""The route on the audit log."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query

from supakeep.api.answers.audit import AuditLogPage
from supakeep.api.chain_page import chain_page
from supakeep.api.request import Requests
from supakeep.usecases.read_audit_log import read_audit_logs

AUDIT_PATH = "/api/admin/audit"


def add_audit_routes(resolver: APIGatewayHttpResolver, request: Requests) -> None:
    """`request` gives the request that is answered."""

    @resolver.get(AUDIT_PATH)
    def get_audit_log(
        limit: Annotated[int, Query(ge=1, le=100, description="So many at most.")] = 50,
        before: Annotated[
            str | None, Query(max_length=200, description="Continues below this entry.")
        ] = None,
        *,
        verify: Annotated[
            bool,
            Query(
                description="Reads the whole log, and says which entries were dropped, changed or forged."
            ),
        ] = False,
    ) -> AuditLogPage:
        page = chain_page(request, read_audit_logs, limit, before, verify=verify)
        return AuditLogPage.of(page.chains, limit, page.verification)
