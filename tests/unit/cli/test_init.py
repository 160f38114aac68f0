from __future__ import annotations

from pathlib import Path

import pytest

from supakeep.domain.policy import BackupPolicy
from supakeep.domain.table_activity import TableActivity
from tests.builders.backups import CUSTOMERS
from tests.builders.tables import a_table
from tests.fakes.database import InMemoryDatabase
from tests.fakes.time import NOON
from tests.unit.cli.conftest import Supakeep, Surroundings


@pytest.fixture(autouse=True)
def _activity(around: Surroundings) -> None:
    around.adapters["table_activity"] = lambda: {CUSTOMERS: TableActivity(5, 10**9, NOON)}


@pytest.fixture
def no_file(tmp_path: Path) -> Path:
    file = tmp_path / "supakeep.toml"
    file.unlink()
    return file


def test_a_file_is_written_that_backs_up_every_table(
    supakeep: Supakeep, shop: InMemoryDatabase, no_file: Path
) -> None:
    ended = supakeep("init")

    assert ended.code == 0, ended.err
    policy = BackupPolicy.parse(no_file.read_text())
    assert policy.backup.tables == ["*"]
    assert "Written to supakeep.toml. Next: supakeep check, supakeep backup" in ended.out
    assert "One backup 15 rows, about " in ended.out
    assert "every day at 03:00 UTC: 30 a month, kept 7 days" in ended.out


def test_a_file_that_exists_is_replaced_only_with_force(
    supakeep: Supakeep, shop: InMemoryDatabase, tmp_path: Path
) -> None:
    file = tmp_path / "supakeep.toml"
    before = file.read_text()

    refused = supakeep("init")
    unchanged = file.read_text()
    replaced = supakeep("init", "--force", "--keep-days", "3")

    assert (refused.code, unchanged) == (1, before)
    assert "supakeep.toml exists, and nothing was written" in refused.err
    assert "--force" in refused.err
    assert replaced.code == 0
    assert BackupPolicy.parse(file.read_text()).retention.keep_within_days == 3


def test_another_file_may_be_named(
    supakeep: Supakeep, shop: InMemoryDatabase, tmp_path: Path
) -> None:
    ended = supakeep("init", "--config", "other.toml")

    assert ended.code == 0, ended.err
    assert (tmp_path / "other.toml").is_file()


def test_a_schedule_that_cannot_be_read_writes_nothing(
    supakeep: Supakeep, shop: InMemoryDatabase, no_file: Path
) -> None:
    ended = supakeep("init", "--schedule", "every night")

    assert ended.code == 1
    assert "every night is not a schedule" in ended.err
    assert not no_file.exists()


def test_the_fields_of_a_proposal(
    supakeep: Supakeep, shop: InMemoryDatabase, no_file: Path
) -> None:
    shop.add_table(a_table("secret", readable=False))
    shop.add_table(a_table("log", "at timestamptz", primary_key=()))

    ended = supakeep("init", "--json", "--plan", "pro")

    tables = {table["table"]: table for table in ended.json["tables"]}
    customers = tables[CUSTOMERS]
    width = sum(map(len, shop.texts(CUSTOMERS))) + 2 * 5
    assert abs(customers.pop("bytes") - width) < 10
    assert customers.pop("changes_per_day") > 1000
    assert customers == {
        "table": CUSTOMERS,
        "schema_name": "public",
        "rows": 5,
        "has_key": True,
        "needs_key": False,
        "time_column": None,
        "problem": None,
        "fix": None,
    }
    assert "GRANT SELECT" in tables["public.secret"]["fix"]
    assert tables["public.secret"]["rows"] is None
    assert tables["public.log"]["needs_key"] is True
    assert ended.json["file"] == "supakeep.toml"
    assert ended.json["warnings"] == []
    estimate = ended.json["estimate"]
    assert (estimate["plan"], estimate["rows"]) == ("pro", 15)
    assert set(estimate) == {
        *("plan", "schedule", "runs_per_month", "keep_days", "rows", "backup_bytes"),
        *("duration_seconds", "storage_bytes", "storage_limit_bytes", "egress_bytes_per_month"),
        *("egress_limit_bytes", "dollars_per_month"),
    }


def test_a_folder_that_is_not_there_is_refused_before_the_project_is_asked(
    supakeep: Supakeep,
) -> None:
    ended = supakeep("init", "--config", "nowhere/supakeep.toml")

    assert ended.code == 1
    assert "error: There is no folder nowhere\n" in ended.err


def test_a_proposal_can_be_looked_at_without_a_file(
    supakeep: Supakeep, shop: InMemoryDatabase, no_file: Path
) -> None:
    ended = supakeep("init", "--config", "/dev/null")

    assert ended.code == 0
    assert "One backup 15 rows, about " in ended.out
    assert not no_file.exists()
