"""What the API says that each store holds of one backup."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders.backups import NAME, back_up
from tests.builders.lambda_events import Project
from tests.unit.api.conftest import Functions

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


def stored(functions: Functions) -> dict[str, Any]:
    answer = functions("restore").request("GET", f"/api/admin/backups/{NAME.text}")
    return {copy["store"]: copy for copy in answer.body["stored"]}


def test_each_store_has_a_whole_copy(functions: Functions, project: Project) -> None:
    back_up(project.database, project.primary, project.mirror)

    copies = stored(functions)

    assert {store: copy["state"] for store, copy in copies.items()} == {
        "primary": "whole",
        "mirror": "whole",
    }
    assert all(copy["problem"] is None for copy in copies.values())


def test_a_copy_that_is_missing_is_not_damaged(functions: Functions, project: Project) -> None:
    back_up(project.database, project.primary, project.mirror)
    project.mirror.delete(NAME.manifest_key)

    assert stored(functions)["mirror"]["state"] == "missing"


def test_a_copy_that_lacks_an_object_is_damaged_and_says_which(
    functions: Functions, project: Project
) -> None:
    made = back_up(project.database, project.primary, project.mirror)
    key = made.volumes[0].key
    project.mirror.delete(key)

    copy = stored(functions)["mirror"]

    assert copy["state"] == "damaged"
    assert key in copy["problem"]["message"]
