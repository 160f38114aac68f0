"""What the API makes of encrypted backups: the functions have a private key only if they are given one."""

from __future__ import annotations

import pytest

from supakeep.domain.manifest import Manifest
from supakeep.domain.policy import BackupPolicy
from tests.builders.backups import NAME, back_up
from tests.builders.keys import OURS, STRANGERS
from tests.builders.lambda_events import Project
from tests.builders.manifests import PROJECT
from tests.unit.api.conftest import Functions, LocalFunction

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

POLICY = BackupPolicy.parse(
    f'[backup]\ntables = "*"\n[encryption]\nrecipients = ["{OURS.public}"]\n'
)
RESTORE = {"name": NAME.text, "confirm": PROJECT}


@pytest.fixture(autouse=True)
def manifest(project: Project) -> Manifest:
    return back_up(project.database, project.primary, project.mirror, policy=POLICY)


@pytest.fixture
def function(functions: Functions) -> LocalFunction:
    return functions("restore")


@pytest.mark.parametrize("identity", [None, STRANGERS.private], ids=["none", "a strangers"])
def test_a_restore_without_the_right_identity_is_refused_at_once(
    function: LocalFunction, project: Project, identity: str | None
) -> None:
    function.project.identity = identity

    answer = function.request("POST", "/api/admin/restore", body=RESTORE)

    assert answer.status == 422
    assert "encrypted" in answer.body["error"]
    assert OURS.public in f"{answer.body}"
    assert "AGE-SECRET-KEY" not in f"{answer.body}"
    assert project.dispatcher.handed_over == []


def test_a_restore_with_the_identity_of_the_secret_is_carried_out(
    function: LocalFunction, project: Project
) -> None:
    function.project.identity = OURS.private
    before = project.database.everything()
    project.database.delete("public.items", id=1)

    answer = function.request("POST", "/api/admin/restore", body=RESTORE)
    [(action, payload)] = project.dispatcher.handed_over
    run = function.invoke({**payload, "action": action})

    assert (answer.status, run["status"]) == (202, "complete")
    assert project.database.everything() == before


@pytest.mark.parametrize(
    ("identity", "read"), [(None, False), (OURS.private, True)], ids=["none", "ours"]
)
def test_a_verification_says_whether_rows_were_read(
    function: LocalFunction, project: Project, identity: str | None, read: bool
) -> None:
    function.project.identity = identity

    function.request("POST", f"/api/admin/backups/{NAME}/verify")
    [(action, payload)] = project.dispatcher.handed_over
    run = function.invoke({**payload, "action": action})

    assert [copy["contents_read"] for copy in run["result"]["copies"]] == [read, read]


def test_a_listed_backup_says_how_it_is_stored(function: LocalFunction) -> None:
    shown = function.request("GET", f"/api/admin/backups/{NAME}").body

    assert (shown["compression"], shown["recipients"]) == (None, [OURS.public])
    assert shown["objects"][0].endswith(".sql.json.age")


def test_downloads_of_an_encrypted_backup_are_signed_as_any_other(
    function: LocalFunction, manifest: Manifest
) -> None:
    answer = function.request("GET", f"/api/admin/backups/{NAME}/download")

    assert [item["key"] for item in answer.body["objects"]] == [
        manifest.volumes[0].key,
        NAME.manifest_key,
    ]
