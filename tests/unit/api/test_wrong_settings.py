"""Settings that are wrong, as callers and the log see them."""

from __future__ import annotations

import pytest

from supakeep.errors import ConfigurationError
from tests.builders.lambda_events import InvocationContext, http_event
from tests.unit.api.conftest import HANDLERS, FunctionName, Functions
from tests.unit.api.emitted import Logs

CANARY = "canary"


@pytest.fixture
def without_application(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
    """The functions build theirs from an environment whose password is not percent-encoded."""
    for module in HANDLERS.values():
        monkeypatch.setattr(module.application, "_app", None)
    monkeypatch.setenv("NEXT_PUBLIC_SUPABASE_URL", "https://abc.supabase.co")
    monkeypatch.setenv("SUPABASE_SERVICE_ROLE_KEY", "sb_secret_x")
    monkeypatch.setenv(
        "SUPABASE_DB_URL", f"postgresql://postgres:@{CANARY}#{CANARY}@db.abc.supabase.co/postgres"
    )


@pytest.mark.filterwarnings("ignore:No application metrics")
@pytest.mark.usefixtures("without_application")
@pytest.mark.parametrize("name", ["backup", "restore", "prune"])
def test_no_part_of_a_database_password_is_answered_or_logged(
    name: FunctionName, functions: Functions, logged: Logs
) -> None:
    module = HANDLERS[name]
    asked = http_event("GET", "/api/admin/runs")

    for event in (asked, {"source": "supakeep.schedule"}, {"name": "latest"}):
        try:
            said = str(module.lambda_handler(event, InvocationContext()))
        except ConfigurationError as error:
            said = f"{error!r} {vars(error)}"
        assert CANARY not in said

    assert "must be percent-encoded" in logged.getvalue()
    assert CANARY not in logged.getvalue()
