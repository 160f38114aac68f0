"""The route on the keys of the API."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from supakeep.api.answers.keys import KeyList
from supakeep.api.request import Requests


def add_key_routes(resolver: APIGatewayHttpResolver, request: Requests) -> None:
    """`request` gives the request that is answered."""

    @resolver.get("/api/admin/keys")
    def get_keys() -> KeyList:
        project, settings = request().project, request().project.settings
        secrets = {"ADMIN_KEY": settings.admin_key, "CRON_SECRET": settings.cron_secret}
        unrecorded = [name for name, secret in secrets.items() if secret is not None]
        return KeyList.of(project.api_keys.list_all(), unrecorded, project.clock.now())
