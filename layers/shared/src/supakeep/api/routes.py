"""The paths of template.yaml with their methods, and the scope that each demands of a key."""

from __future__ import annotations

import re
from collections.abc import Mapping

from supakeep.api.openapi_route import PATH as OPENAPI_PATH
from supakeep.domain.api_key import Scope

CRON_PATH = "/api/cron/"

Methods = Mapping[str, Scope]

ROUTES: Mapping[str, Methods] = {
    OPENAPI_PATH: {"GET": Scope.VIEW},
    "/api/admin/backup": {"POST": Scope.BACKUP},
    "/api/cron/backup": {"GET": Scope.BACKUP, "POST": Scope.BACKUP},
    "/api/admin/restore": {"POST": Scope.RESTORE},
    "/api/admin/restore/undo": {"POST": Scope.RESTORE},
    "/api/admin/prune": {"POST": Scope.PRUNE},
    "/api/admin/backups": {"GET": Scope.VIEW},
    "/api/admin/backups/{name}": {"GET": Scope.VIEW},
    "/api/admin/backups/{name}/download": {"GET": Scope.DOWNLOAD},
    "/api/admin/backups/{name}/verify": {"POST": Scope.BACKUP},
    "/api/admin/backups/{name}/copy": {"POST": Scope.BACKUP},
    # what is pinned no prune removes, and what is unpinned the next one may
    "/api/admin/backups/{name}/pin": {"PUT": Scope.PRUNE, "DELETE": Scope.PRUNE},
    "/api/admin/drills": {"POST": Scope.BACKUP},
    "/api/admin/ledger": {"GET": Scope.VIEW},
    "/api/admin/audit": {"GET": Scope.ADMIN},
    "/api/admin/keys": {"GET": Scope.ADMIN},
    "/api/admin/health": {"GET": Scope.HEALTH},
    "/api/admin/coverage": {"GET": Scope.VIEW},
    "/api/admin/overview": {"GET": Scope.VIEW},
    "/api/admin/settings": {"GET": Scope.VIEW},
    "/api/admin/retention": {"GET": Scope.VIEW},
    "/api/admin/runs": {"GET": Scope.VIEW},
    "/api/admin/runs/{id}": {"GET": Scope.VIEW},
}


def methods_of(path: str) -> Methods | None:
    """The methods that a path takes; None where there is no such path."""
    for route, methods in ROUTES.items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route), path):
            return methods
    return None
