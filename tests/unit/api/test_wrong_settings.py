"""Settings that are wrong, as callers and the log see them."""

from __future__ import annotations

import pytest

from supakeep.api.runtime import Projects
from supakeep.errors import ConfigurationError
from tests.builders.lambda_events import InvocationContext, http_event
from tests.builders.lambda_functions import MODULES
from tests.unit.api.conftest import FunctionName
from tests.unit.api.emitted import Logs

CANARY = "canary"


@pytest.fixture
def _wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with a database password that is not percent-encoded."""
    monkeypatch.setenv("NEXT_PUBLIC_SUPABASE_URL", "https://abc.supabase.co")
    monkeypatch.setenv("SUPABASE_SERVICE_ROLE_KEY", "sb_secret_x")
    monkeypatch.setenv(
        "SUPABASE_DB_URL", f"postgresql://postgres:@{CANARY}#{CANARY}@db.abc.supabase.co/postgres"
    )


@pytest.mark.filterwarnings("ignore:No application metrics")
@pytest.mark.usefixtures("_wrong_password")
@pytest.mark.parametrize("name", ["backup", "restore", "prune"])
def test_no_part_of_a_database_password_is_answered_or_logged(
    name: FunctionName, logged: Logs
) -> None:
    handler = MODULES[name].create_handler(Projects.from_environment())
    asked = http_event("GET", "/api/admin/runs")

    for event in (asked, {"source": "supakeep.schedule"}, {"name": "latest"}):
        try:
            said = str(handler(event, InvocationContext()))
        except ConfigurationError as error:
            said = f"{error!r} {vars(error)}"
        assert CANARY not in said

    assert "must be percent-encoded" in logged.getvalue()
    assert CANARY not in logged.getvalue()
