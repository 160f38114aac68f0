"""Asking for a restore over HTTP."""

from __future__ import annotations

from typing import Any

from tests.builders.backups import NAME
from tests.builders.manifests import PROJECT
from tests.unit.api.conftest import Answer, Functions

RESTORE = "/api/admin/restore"
GOOD_BODY = {"name": NAME.text, "confirm": PROJECT}


def asked(functions: Functions, **fields: Any) -> Answer:
    """The answer to a good request with these fields set."""
    return functions("restore").request("POST", RESTORE, body={**GOOD_BODY, **fields})
