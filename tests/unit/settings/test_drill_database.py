"""DRILL_DB_URL: which servers drills may use."""

from __future__ import annotations

import pytest

from supakeep.errors import ConfigurationError
from supakeep.settings.drill_database import drill_database

REF = "abcdefghijklmnopqrst"
SPARE = "zyxwvutsrqponmlkjihg"
POOLER = "aws-0-eu-central-1.pooler.supabase.com:5432/postgres"


def test_a_spare_project_is_named_without_its_password() -> None:
    values = {
        "DRILL_DB_URL": f"postgresql://postgres.{SPARE}:secret@{POOLER}",
        "SUPABASE_DB_URL": f"postgresql://postgres.{REF}:secret@{POOLER}",
    }

    found = drill_database(values)

    assert found is not None
    assert found[0] == values["DRILL_DB_URL"]
    assert found[1].startswith("a scratch database at aws-0-eu-central-1")
    assert "secret" not in found[1]


@pytest.mark.parametrize("values", [{}, {"DRILL_DB_URL": " "}])
def test_without_it_there_is_no_such_server(values: dict[str, str]) -> None:
    assert drill_database(values) is None


@pytest.mark.parametrize(
    ("url", "live"),
    [
        (
            f"postgresql://postgres.{REF}:p@{POOLER}",
            {"NEXT_PUBLIC_SUPABASE_URL": f"https://{REF}.supabase.co"},
        ),
        (
            f"postgresql://postgres:p@db.{REF}.supabase.co/postgres",
            {"SUPABASE_DB_URL": f"postgresql://postgres.{REF}:p@{POOLER}"},
        ),
        ("postgresql://a@localhost:5433/x", {"SUPABASE_DB_URL": "postgresql://b@localhost:5433/y"}),
    ],
)
def test_the_server_of_the_live_database_is_refused(url: str, live: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="leads to the server of the live database"):
        drill_database({"DRILL_DB_URL": url, **live})


def test_an_address_that_cannot_be_read_is_named_by_its_variable() -> None:
    with pytest.raises(ConfigurationError, match="DRILL_DB_URL"):
        drill_database({"DRILL_DB_URL": "https://example.com"})
