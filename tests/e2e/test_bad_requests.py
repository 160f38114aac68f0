from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.deployment import Deployment

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "request_options", "status", "error"),
    [
        ("POST", "/api/admin/restore", {"content": b"not json", "headers": JSON}, 400, "The body is not valid"),
        ("POST", "/api/admin/restore", {}, 400, "The body is not valid"),
        ("POST", "/api/admin/restore", {"body": []}, 400, "The body is not valid"),
        ("POST", "/api/admin/restore", {"body": {"confirm": "x"}}, 400, "name: Field required"),
        ("POST", "/api/admin/restore", {"body": {"name": 7}}, 400, "name: Input should be a valid string"),
        ("POST", "/api/admin/restore", {"body": {"name": "latest", "dry_run": "yes"}}, 400, "dry_run: Input"),
        ("POST", "/api/admin/restore", {"body": {"name": "latest", "tables": "all"}}, 400, "tables: Input"),
        ("POST", "/api/admin/restore", {"body": {"name": "latest", "force": True}}, 400, "force: is not a field"),
        ("POST", "/api/admin/restore", {"body": {"name": "x" * 70_000}}, 413, "The body is larger than 65,536 bytes"),
        ("POST", "/api/admin/restore", {"body": {"name": "../../secrets"}}, 400, "is not the name of a backup"),
        ("POST", "/api/admin/restore", {"body": {"name": "latest"}}, 404, "has no good backup"),
        ("POST", "/api/admin/prune", {"body": {"dry_run": 1}}, 400, "dry_run: Input should be a valid boolean"),
        ("GET", "/api/admin/backups/..%2F..%2Fetc", {}, 400, "is not the name of a backup"),
        ("GET", "/api/admin/backups/backup_jewelshot-local_2026-02-30", {}, 400, "is not the name of a backup"),
        ("GET", "/api/admin/backups/backup_jewelshot-local_2020-01-01", {}, 404, "No backup is named"),
        ("GET", "/api/admin/backups/backup_jewelshot-local_2020-01-01/download", {}, 404, "No backup is named"),
        ("GET", "/api/admin/runs/nonsense", {}, 400, "'nonsense' is not a run ID"),
        ("GET", "/api/admin/runs?limit=0", {}, 400, "limit"),
        ("GET", "/api/admin/runs?before=x", {}, 400, "'x' is not a run ID"),
        ("GET", "/api/admin/retention?keep_within_days=0", {}, 400, "keep_within_days"),
        ("POST", "/api/admin/backups/x/verify", {}, 400, "'x' is not the name of a backup"),
        ("POST", "/api/admin/restore/undo", {"body": {}}, 400, "The rest engine cannot undo a restore"),
        ("DELETE", "/api/admin/backup", {}, 405, "DELETE is not allowed on /api/admin/backup"),
        ("GET", "/api/admin/restore", {}, 405, "GET is not allowed on /api/admin/restore"),
        ("DELETE", "/api/admin/backups/latest", {}, 405, "DELETE is not allowed"),
        ("GET", "/api/admin/nothing", {}, 404, None),
    ],
)  # fmt: skip
def test_a_bad_request_gets_a_clear_answer_and_nothing_happens(
    supakeep: Deployment,
    method: str,
    path: str,
    request_options: dict[str, Any],
    status: int,
    error: str | None,
) -> None:
    answer = supakeep.call(method, path, **request_options)

    assert answer.status_code == status, answer.text
    if error is not None:
        assert error in answer.json()["error"]
        assert answer.json()["hint"]
    assert supakeep.keys(supakeep.primary) == []
    assert supakeep.is_pristine()


def test_an_unknown_table_is_refused_with_those_that_the_backup_has(supakeep: Deployment) -> None:
    name = supakeep.back_up()["backup"]
    body = {"name": name, "confirm": supakeep.ref, "tables": ["user_credit"]}

    answer = supakeep.call("POST", "/api/admin/restore", body)

    assert answer.status_code == 400
    assert answer.json()["error"] == f"{name} has no table public.user_credit"
    assert "public.user_credits" in answer.json()["hint"]


def test_a_body_is_read_as_json_whatever_its_sender_calls_it(supakeep: Deployment) -> None:
    answer = supakeep.call(
        "POST",
        "/api/admin/prune",
        content=b'{"dry_run": true}',
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert (answer.status_code, answer.json()["dry_run"]) == (200, True)


def test_an_event_that_no_function_knows_fails_with_the_field_that_is_wrong(
    supakeep: Deployment,
) -> None:
    answer = supakeep.stack.invoke("BackupFunction", {"action": "restore"})
    assert answer.error is not None
    assert "The event is not valid: action" in answer.payload.decode()
