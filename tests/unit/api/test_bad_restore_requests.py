from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.builders.backups import NAME, back_up
from tests.builders.lambda_events import Project, http_event
from tests.builders.manifests import PROJECT
from tests.fakes.database import EVERY_MODE, InMemoryDatabase
from tests.unit.api.asking import GOOD_BODY, RESTORE, asked
from tests.unit.api.conftest import Functions

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@pytest.fixture(autouse=True)
def _a_backup(project: Project) -> None:
    back_up(project.database, project.primary, project.mirror)


@pytest.mark.parametrize("raw_body", ["", "not JSON", "{", "[]", '"text"', "null", "\ufeff{}"])
def test_a_body_that_is_not_a_json_object_is_refused(
    functions: Functions, project: Project, raw_body: str
) -> None:
    answer = functions("restore").request("POST", RESTORE, raw_body=raw_body)

    assert answer.status == 400
    assert answer.body["error"]
    assert answer.body["hint"].startswith("Send a JSON object with the fields")
    assert project.dispatcher.handed_over == []


def send(functions: Functions, body: str, *, is_base64: bool = True) -> dict[str, Any]:
    event = {**http_event("POST", RESTORE, raw_body=body), "isBase64Encoded": is_base64}
    answer: dict[str, Any] = functions("restore").invoke(event)
    return answer


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_body_that_is_nested_too_deep_is_refused(functions: Functions, opening: str) -> None:
    answer = send(functions, (opening * 60_000)[:60_000], is_base64=False)

    assert answer["statusCode"] == 400
    assert "The body is not valid: it is not JSON" in answer["body"]


@pytest.mark.parametrize(
    "body",
    ["not base64!", "abc", "é", base64.b64encode(b"\xff\xfe\x00").decode(), "e30", "YmluYXJ5"],
)
def test_a_body_that_is_no_text_is_refused(
    functions: Functions, project: Project, body: str
) -> None:
    answer = send(functions, body)

    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["error"] == "The body is not valid: it is not JSON"
    assert project.dispatcher.handed_over == []


def test_a_body_that_came_as_base64_is_read(functions: Functions, project: Project) -> None:
    answer = send(functions, base64.b64encode(json.dumps(GOOD_BODY).encode()).decode())

    assert answer["statusCode"] == 202
    assert len(project.dispatcher.handed_over) == 1


def test_a_base64_body_is_measured_by_what_it_holds(functions: Functions) -> None:
    def status(size: int) -> int:
        text = json.dumps({"name": "x" * size}).encode()
        answer: int = send(functions, base64.b64encode(text).decode())["statusCode"]
        return answer

    assert (status(65_000), status(65_537), status(200_000)) == (400, 413, 413)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": 5}, "name"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"confirm": 5}, "confirm"),
        ({"confirm": True}, "confirm"),
        ({"tables": "orders"}, "tables"),
        ({"tables": [1]}, "tables"),
        ({"tables": [""]}, "tables"),
        ({"dry_run": "yes"}, "dry_run"),
        ({"dry_run": 1}, "dry_run"),
        ({"allow_other_project": "true"}, "allow_other_project"),
    ],
)
def test_a_field_of_the_wrong_type_is_refused_by_name(
    functions: Functions, project: Project, fields: dict[str, Any], named: str
) -> None:
    answer = asked(functions, **fields)

    assert answer.status == 400
    assert answer.body["error"].startswith(named)
    assert project.dispatcher.handed_over == []


@pytest.mark.parametrize("field", ["dryrun", "Name", "run_id", "action", "__class__"])
def test_a_field_that_is_unknown_is_refused_by_name(functions: Functions, field: str) -> None:
    answer = asked(functions, **{field: "x"})

    assert answer.status == 400
    assert answer.body["error"] == f"{field}: is not a field of this request"


def test_a_body_without_a_name_is_refused(functions: Functions) -> None:
    answer = functions("restore").request("POST", RESTORE, body={"confirm": PROJECT})

    assert answer.status == 400
    assert answer.body["error"].startswith("name: ")


def test_a_body_that_is_too_large_is_refused(functions: Functions) -> None:
    for large in ("x" * 65_537, "ä" * 40_000):
        raw_body = f'{{"name": "{large}"}}'
        answer = functions("restore").request("POST", RESTORE, raw_body=raw_body)
        assert answer.status == 413
        assert answer.body["error"] == "The body is larger than 65,536 bytes"


@pytest.mark.parametrize("name", ["../../etc/passwd", "daily/x", "..", "backup_x_2026-02-30"])
def test_a_malformed_name_is_refused(functions: Functions, project: Project, name: str) -> None:
    answer = asked(functions, name=name)

    assert answer.status == 400
    assert "is not the name of a backup" in answer.body["error"]
    assert project.dispatcher.handed_over == []


@pytest.mark.parametrize("name", ["%2e%2e%2fpasswd", "..", "backup_x_2026-02-30", "a" * 150])
@pytest.mark.parametrize("rest", ["", "/download"])
def test_a_malformed_name_in_a_path_is_refused(functions: Functions, name: str, rest: str) -> None:
    answer = functions("restore").request("GET", f"/api/admin/backups/{name}{rest}")

    assert answer.status == 400
    assert "is not the name of a backup" in answer.body["error"]


def test_an_unknown_name_is_not_found(functions: Functions) -> None:
    name = "backup_jewelshot_2020-01-01"
    paths = [f"/api/admin/backups/{name}", f"/api/admin/backups/{name}/download"]
    answers = [functions("restore").request("GET", path) for path in paths]
    answers.append(asked(functions, name=name))

    for answer in answers:
        assert answer.status == 404
        assert answer.body["error"] == f"No backup is named {name}"
        assert "latest" in answer.body["hint"]


def test_a_copy_that_there_is_none_of_is_refused(functions: Functions, project: Project) -> None:
    functions("restore").project.mirror = None

    unknown = asked(functions, read_from="elsewhere")
    missing = asked(functions, read_from="mirror")

    assert (unknown.status, missing.status) == (400, 400)
    assert missing.body["error"] == "No mirror is configured"
    assert project.dispatcher.handed_over == []


def test_a_table_that_the_backup_does_not_have_is_refused_at_once(
    functions: Functions, project: Project
) -> None:
    answer = asked(functions, tables=["orders", "ghost"])

    assert answer.status == 400
    assert answer.body["error"] == f"{NAME} has no table public.ghost"
    assert project.dispatcher.handed_over == []


@pytest.mark.parametrize("mode", ["replace", "missing-only"])
def test_a_mode_that_the_engine_lacks_is_refused_at_once(
    functions: Functions, project: Project, mode: str
) -> None:
    answer = asked(functions, mode=mode)

    assert answer.status == 400
    assert answer.body["error"] == f"The mode {mode} needs a connection to the database itself"
    assert "SUPABASE_DB_URL" in answer.body["hint"]
    assert project.dispatcher.handed_over == []


@pytest.mark.parametrize("is_base64", [False, True])
@pytest.mark.parametrize("character", ["x", "!", "\x00", "["])
def test_a_body_that_is_too_large_is_refused_as_such_whatever_it_holds(
    functions: Functions, character: str, is_base64: bool
) -> None:
    assert send(functions, character * 90_000, is_base64=is_base64)["statusCode"] == 413


@pytest.mark.parametrize(("field", "empty"), [("tables", []), ("where", {})])
def test_an_empty_choice_is_refused_rather_than_read_as_everything(
    functions: Functions, project: Project, field: str, empty: object
) -> None:
    answer = asked(functions, **{field: empty})

    assert answer.status == 400
    assert answer.body["error"].startswith(f"{field}: ")
    assert project.dispatcher.handed_over == []


def test_a_column_that_no_table_has_is_refused_at_once(
    functions: Functions, project: Project
) -> None:
    answer = asked(functions, where={"nonsense": "1"})

    assert answer.status == 400
    assert "has no column nonsense to choose rows by" in answer.body["error"]
    assert project.dispatcher.handed_over == []


def test_a_replace_of_chosen_rows_is_refused_at_once(
    functions: Functions, project: Project
) -> None:
    functions("restore").project.database = InMemoryDatabase(engine=EVERY_MODE)

    answer = asked(functions, mode="replace", tables=["customers"], where={"id": "1"})

    assert answer.status == 409
    assert answer.body["error"].startswith("The mode replace would delete rows of public.customers")
    assert project.dispatcher.handed_over == []
