"""What the API says of stores that hold different backups under one name."""

from __future__ import annotations

import pytest

from tests.builders.backups import CUSTOMERS, NAME, back_up, emptied
from tests.builders.lambda_events import Project
from tests.builders.manifests import PROJECT
from tests.builders.planted import plant
from tests.unit.api.asking import asked
from tests.unit.api.conftest import Functions
from tests.unit.api.emitted import event, metrics

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

ERROR = f"primary and mirror hold different backups named {NAME} ("


@pytest.fixture(autouse=True)
def _differing(project: Project) -> None:
    made = back_up(project.database, project.primary, project.mirror)
    plant(project.mirror, emptied(project.database), made)


@pytest.mark.parametrize("name", ["latest", NAME.text])
@pytest.mark.parametrize(
    ("method", "what"),
    [("GET", ""), ("GET", "/download"), ("POST", "/verify"), ("POST", "/copy")],
)
def test_it_is_refused_by_name(
    functions: Functions, project: Project, method: str, what: str, name: str
) -> None:
    answer = functions("restore").request(method, f"/api/admin/backups/{name}{what}")

    assert answer.status == 422
    assert answer.body["error"].startswith(ERROR)
    assert project.dispatcher.handed_over == []


@pytest.mark.parametrize("name", ["latest", NAME.text])
def test_a_restore_is_refused_unless_it_names_the_store(
    functions: Functions, project: Project, name: str
) -> None:
    refused = asked(functions, name=name)
    accepted = asked(functions, name=name, read_from="primary")

    assert (refused.status, accepted.status) == (422, 202)
    assert refused.body["error"].startswith(ERROR)
    assert "read_from" in refused.body["hint"]


def test_a_restore_that_names_the_store_says_what_the_other_has(
    functions: Functions, project: Project
) -> None:
    project.database.delete(CUSTOMERS, id=1)
    body = {"action": "restore", "name": NAME.text, "confirm": PROJECT, "read_from": "primary"}

    run = functions("restore").invoke(body)

    assert run["status"] == "complete"
    assert len(project.database.rows(CUSTOMERS)) == 5
    assert "A different one of this name is in mirror: 0 rows" in run["result"]["warnings"][0]


def test_a_verification_that_was_asked_for_directly_fails(functions: Functions) -> None:
    with pytest.raises(Exception, match="hold different backups"):
        functions("restore").invoke({"action": "verify", "name": NAME.text})


def test_the_list_and_the_overview_mark_it(functions: Functions) -> None:
    listed = functions("restore").request("GET", "/api/admin/backups").body
    overview = functions("restore").request("GET", "/api/admin/overview").body

    assert listed["backups"] == []
    assert listed["untrusted"][NAME.text]["state"] == "differing"
    assert (overview["level"], overview["newest_good"]) == ("fail", None)
    assert any(f["level"] == "fail" and ERROR in f["sentence"] for f in overview["findings"])


@pytest.mark.parametrize("name", ["prune/measure", "prune/schedule"])
def test_it_is_counted_for_the_alarm(
    functions: Functions, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    functions("prune").invoke(event(name))

    assert metrics(capsys)["DifferingBackups"] == 1


@pytest.mark.parametrize("name", ["prune/measure", "prune/schedule"])
def test_copies_that_agree_count_as_none(
    functions: Functions, project: Project, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    project.mirror.objects = dict(project.primary.objects)

    functions("prune").invoke(event(name))

    assert metrics(capsys)["DifferingBackups"] == 0
