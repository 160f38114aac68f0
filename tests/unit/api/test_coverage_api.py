"""What the API answers of what of the project a backup holds."""

from __future__ import annotations

import pytest

from supakeep.domain.project_object import ObjectKind, ProjectObject
from tests.builders.backups import back_up
from tests.builders.lambda_events import Project
from tests.unit.api.conftest import Functions

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

COVERAGE = "/api/admin/coverage"


def test_coverage_is_that_of_the_newest_good_backup_or_of_the_one_that_is_named(
    project: Project, functions: Functions
) -> None:
    project.database.objects = [ProjectObject(ObjectKind.VAULT_SECRET, "stripe")]
    made = back_up(project.database, project.primary, project.mirror)

    newest = functions("restore").request("GET", COVERAGE)
    named = functions("restore").request("GET", COVERAGE, query={"backup": made.backup})
    unknown = functions("restore").request("GET", COVERAGE, query={"backup": "nothing"})

    assert newest.status == 200
    assert newest.body == named.body
    assert newest.body["backup"] == made.backup
    assert "stripe" in [gap["name"] for gap in newest.body["gaps"]]
    assert unknown.status == 400
