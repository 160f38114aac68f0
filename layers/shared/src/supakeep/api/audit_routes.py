"""The route on the audit log."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query

from supakeep.api.answers.audit import AuditLogPage
from supakeep.api.request import Requests
from supakeep.usecases.read_audit_log import read_audit_logs
from supakeep.usecases.verify_ledger import verify_ledger

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
        project, stores = request().project, request().stores()
        # one more, to know whether there is another page
        newest = limit + 1
        if not verify:
            logs = read_audit_logs(stores, project.ref, before=before, newest=newest)
            return AuditLogPage.of(logs, limit, None)
        every = read_audit_logs(stores, project.ref)
        page = [one.below(before, newest) for one in every]
        return AuditLogPage.of(page, limit, verify_ledger(every, project.clock.now()))
