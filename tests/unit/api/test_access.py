from __future__ import annotations

import json
from typing import Any

import pytest

from supakeep.api.runtime import Projects
from supakeep.errors import ConfigurationError
from tests.builders.lambda_events import (
    ADMIN_KEY,
    CRON_SECRET,
    InvocationContext,
    Project,
    http_event,
)
from tests.builders.lambda_functions import MODULES
from tests.unit.api.conftest import Functions, LocalFunction

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

ROUTES = [
    ("backup", "POST", "/api/admin/backup"),
    ("backup", "GET", "/api/cron/backup"),
    ("backup", "POST", "/api/cron/backup"),
    ("restore", "POST", "/api/admin/restore"),
    ("restore", "GET", "/api/admin/backups"),
    ("restore", "GET", "/api/admin/backups/latest"),
    ("restore", "GET", "/api/admin/backups/latest/download"),
    ("restore", "POST", "/api/admin/restore/undo"),
    ("restore", "POST", "/api/admin/backups/latest/verify"),
    ("restore", "POST", "/api/admin/backups/latest/copy"),
    ("restore", "GET", "/api/admin/overview"),
    ("restore", "GET", "/api/admin/settings"),
    ("restore", "GET", "/api/admin/retention"),
    ("restore", "GET", "/api/admin/runs"),
    ("restore", "GET", "/api/admin/runs/20261122T120000Z-1a2b3c4d"),
    ("prune", "POST", "/api/admin/prune"),
]


@pytest.mark.parametrize(("function", "method", "path"), ROUTES)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Basic {ADMIN_KEY}"},
        {"authorization": f"Basic {CRON_SECRET}"},
        {"authorization": f"Bearer {ADMIN_KEY}{CRON_SECRET}"},
        {"authorization": f"Bearer {ADMIN_KEY[:-1]}"},
        {"authorization": "Bearer ключ"},
        {"authorization": ADMIN_KEY},
        {"x-api-key": ADMIN_KEY},
    ],
)
def test_a_wrong_key_and_a_missing_one_get_the_same_answer(
    functions: Functions, function: Any, method: str, path: str, headers: dict[str, str]
) -> None:
    event = http_event(method, path, key=None, headers=headers)

    answer = functions(function).invoke(event)

    assert answer["statusCode"] == 401
    assert answer["body"] == '{"error": "Unauthorized"}'
    assert answer == functions(function).invoke(http_event(method, path, key=None))


@pytest.mark.parametrize(("function", "method", "path"), ROUTES)
def test_the_key_of_one_door_does_not_open_the_other(
    functions: Functions, function: Any, method: str, path: str
) -> None:
    wrong = ADMIN_KEY if "/cron/" in path else CRON_SECRET

    assert functions(function).request(method, path, key=wrong).status == 401


@pytest.mark.parametrize("path", ["/api/cron/../admin/backup", "/api/cron/%2e%2e/admin/backup"])
def test_the_cron_secret_opens_no_path_that_leads_out_of_cron(
    functions: Functions, project: Project, path: str
) -> None:
    answer = functions("backup").request("POST", path, key=CRON_SECRET)

    assert answer.status == 404
    assert answer.body["hint"] == "docs/api.md lists the routes."
    assert project.dispatcher.handed_over == []


def test_where_no_key_is_configured_none_is_right(project: Project) -> None:
    served = project.served(admin_key=None, cron_secret=None)

    for key in ("", "None", ADMIN_KEY):
        answer = LocalFunction("prune", served).request("POST", "/api/admin/prune", key=key)
        assert answer.status == 401


def test_the_fix_for_a_wrong_key_is_reported_in_a_header_and_not_in_the_body(
    functions: Functions,
) -> None:
    answer = functions("prune").request("POST", "/api/admin/prune", key="wrong")

    assert answer.body == {"error": "Unauthorized"}
    assert "ADMIN_KEY" in answer.headers["WWW-Authenticate"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_as_http_does(functions: Functions, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {ADMIN_KEY}"}

    answer = functions("restore").request("GET", "/api/admin/runs", key=None, headers=headers)

    assert answer.status == 200


def test_the_key_is_checked_before_the_body_is_looked_at(functions: Functions) -> None:
    for raw_body in ("not JSON", "x" * 100_000):
        answer = functions("restore").request(
            "POST", "/api/admin/restore", key="wrong", raw_body=raw_body
        )
        assert answer.status == 401


@pytest.mark.parametrize(
    ("function", "method", "path", "allowed"),
    [
        ("backup", "GET", "/api/admin/backup", "POST"),
        ("backup", "DELETE", "/api/cron/backup", "GET, POST"),
        ("restore", "GET", "/api/admin/restore", "POST"),
        ("restore", "DELETE", "/api/admin/backups/latest", "GET"),
        ("restore", "PUT", "/api/admin/backups/latest/download", "GET"),
        ("restore", "POST", "/api/admin/runs", "GET"),
        ("restore", "PATCH", "/api/admin/runs/20261122T120000Z-1a2b3c4d", "GET"),
        ("prune", "GET", "/api/admin/prune", "POST"),
        ("prune", "PUT", "/api/admin/prune", "POST"),
    ],
)
def test_a_wrong_method_is_not_allowed_and_the_right_ones_are_named(
    functions: Functions, function: Any, method: str, path: str, allowed: str
) -> None:
    key = CRON_SECRET if "/cron/" in path else ADMIN_KEY

    answer = functions(function).request(method, path, key=key)

    assert answer.status == 405
    assert answer.headers["Allow"] == allowed
    assert answer.body["error"] == f"{method} is not allowed on {path}"
    assert answer.body["hint"]


@pytest.fixture
def _wrong_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPABASE_URL", "https://db.example.com")
    monkeypatch.setenv("SUPABASE_SERVICE_ROLE_KEY", "sb_secret_x")


@pytest.mark.usefixtures("_wrong_url")
def test_settings_that_are_wrong_are_reported_in_the_words_of_the_guide(
    caplog: pytest.LogCaptureFixture,
) -> None:
    handler = MODULES["backup"].create_handler(Projects.from_environment())

    answer = handler(http_event("POST", "/api/admin/backup"), InvocationContext())

    assert answer["statusCode"] == 500
    assert json.loads(answer["body"])["error"] == "Could not extract project ref from Supabase URL"
    assert "https://<project-ref>.supabase.co" in json.loads(answer["body"])["hint"]
    assert "Could not extract project ref from Supabase URL" in caplog.text


@pytest.mark.usefixtures("_wrong_url")
def test_settings_that_are_wrong_are_logged_with_the_fix_where_nobody_asks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    handler = MODULES["backup"].create_handler(Projects.from_environment())

    with pytest.raises(ConfigurationError, match="Could not extract project ref"):
        handler({"action": "backup"}, InvocationContext())

    assert "https://<project-ref>.supabase.co" in caplog.text
    assert "sb_secret_x" not in caplog.text
