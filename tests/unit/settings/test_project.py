"""The URL, the database's address and the ref must be of one project."""

from __future__ import annotations

import pytest

from supakeep.errors import ConfigurationError
from supakeep.settings import Settings

OF_A = "postgresql://postgres.aaa:pw@aws-0-eu-central-1.pooler.supabase.com:5432/postgres"
OF_B = "postgresql://postgres:pw@db.bbb.supabase.co:5432/postgres"
OWN = "postgresql://postgres:pw@db.example.com:6000/postgres"


def read(url: str | None = "https://aaa.supabase.co", **environment: str) -> Settings:
    given = {"NEXT_PUBLIC_SUPABASE_URL": url} if url else {}
    return Settings.from_environment({"SUPABASE_SERVICE_ROLE_KEY": "k", **given, **environment})


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("https://aaa.supabase.co", {"SUPABASE_DB_URL": OF_B}),
        ("https://aaa.supabase.co", {"SUPABASE_DB_URL": OF_B, "SUPABASE_PROJECT_REF": "aaa"}),
        ("https://aaa.supabase.co", {"SUPABASE_DB_URL": OF_B, "SUPABASE_PROJECT_REF": "bbb"}),
        ("https://aaa.supabase.co", {"SUPABASE_DB_URL": OF_A, "SUPABASE_PROJECT_REF": "bbb"}),
        ("https://aaa.supabase.co", {"SUPABASE_PROJECT_REF": "bbb"}),
        ("https://data.example.com", {"SUPABASE_DB_URL": OF_B, "SUPABASE_PROJECT_REF": "aaa"}),
        (None, {"SUPABASE_DB_URL": OF_B, "SUPABASE_PROJECT_REF": "aaa"}),
    ],
)
def test_settings_of_two_projects_are_refused_with_both_refs(
    url: str | None, environment: dict[str, str]
) -> None:
    with pytest.raises(ConfigurationError, match="name two projects") as refused:
        read(url, **environment)

    assert {"aaa", "bbb"} <= set(refused.value.message.replace(",", "").split())


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("https://aaa.supabase.co", {}),
        ("https://aaa.supabase.co", {"SUPABASE_DB_URL": OF_A}),
        ("https://aaa.supabase.co", {"SUPABASE_DB_URL": OF_A, "SUPABASE_PROJECT_REF": "aaa"}),
        ("https://data.example.com", {"SUPABASE_DB_URL": OF_A, "SUPABASE_PROJECT_REF": "aaa"}),
        (None, {"SUPABASE_DB_URL": OF_A}),
    ],
)
def test_a_restore_into_a_database_that_shows_its_ref_is_confirmed_by_it(
    url: str | None, environment: dict[str, str]
) -> None:
    settings = read(url, **environment)

    assert (settings.project_ref, settings.destination) == ("aaa", "aaa")


def test_another_servers_database_beside_a_hosted_project_must_be_claimed() -> None:
    with pytest.raises(
        ConfigurationError, match="nothing shows that this database belongs to project aaa"
    ) as e:
        read(SUPABASE_DB_URL=OWN)

    assert "db.example.com:6000/postgres" in e.value.message
    assert "SUPABASE_PROJECT_REF=aaa" in str(e.value.hint)


@pytest.mark.parametrize("url", ["https://aaa.supabase.co", "https://data.example.com", None])
def test_a_restore_into_another_servers_database_is_confirmed_by_its_place(url: str | None) -> None:
    settings = read(url, SUPABASE_DB_URL=OWN, SUPABASE_PROJECT_REF="aaa")

    assert settings.project_ref == "aaa"
    assert settings.destination == "db.example.com:6000/postgres"


def test_a_custom_domain_does_not_take_its_ref_from_the_database() -> None:
    with pytest.raises(ConfigurationError, match="Could not extract project ref from Supabase URL"):
        read("https://data.example.com", SUPABASE_DB_URL=OF_A)
