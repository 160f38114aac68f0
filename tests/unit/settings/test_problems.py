from __future__ import annotations

import pytest

from supakeep.errors import ConfigurationError
from supakeep.settings import Settings
from supakeep.settings.problems import environment_problems

GOOD = {
    "NEXT_PUBLIC_SUPABASE_URL": "https://abcdefghijklmnopqrst.supabase.co",
    "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x",
}


def messages(**variables: str) -> list[str]:
    return [problem.message for problem in environment_problems({**GOOD, **variables})]


def test_an_environment_in_order_has_no_problem() -> None:
    assert messages() == []


def test_all_problems_are_found_at_once() -> None:
    found = messages(
        SUPABASE_SERVICE_ROLE_KEY="two words",
        ADMIN_KEY="ümlaut",
        SUPABASE_DB_URL="postgresql://postgres:se/cret@db.example.com/postgres",
        SUPABASE_DB_ALLOW_PLAINTEXT="yes",
        SUPABASE_DB_CA="/nowhere.pem",
        DB_CONNECTIONS="9",
        MAX_OBJECT_BYTES="many",
    )

    assert [message.split()[0].rstrip(":") for message in found] == [
        "SUPABASE_SERVICE_ROLE_KEY",
        "ADMIN_KEY",
        "SUPABASE_DB_URL",
        "SUPABASE_DB_ALLOW_PLAINTEXT",
        "SUPABASE_DB_CA",
        "DB_CONNECTIONS",
        "MAX_OBJECT_BYTES",
    ]
    assert "se/cret" not in str(found)


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"ADMIN_KEY": "hunter2"}, ["ADMIN_KEY has 7 characters; 16 are the least"]),
        ({"CRON_SECRET": "ab" * 9}, ["CRON_SECRET repeats a few characters, so it can be guessed"]),
        (
            dict.fromkeys(("ADMIN_KEY", "CRON_SECRET"), "0123456789abcdef"),
            ["CRON_SECRET is the same as ADMIN_KEY, so it opens every route"],
        ),
        ({"ADMIN_KEY": "0123456789abcdef", "CRON_SECRET": "fedcba9876543210"}, []),
    ],
)
def test_keys_that_can_be_guessed_and_equal_ones_are_problems(
    keys: dict[str, str], found: list[str]
) -> None:
    assert messages(**GOOD, **keys) == found


def test_a_misspelt_variable_names_the_one_that_is_meant() -> None:
    problems = environment_problems({**GOOD, "MIRROR_S3_BUKCET": "x", "SUPABASE_ANON_KEY": "y"})

    assert [(p.message, p.hint) for p in problems] == [
        ("MIRROR_S3_BUKCET is not a setting", "Is MIRROR_S3_BUCKET meant? Rename it.")
    ]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"SUPABASE_DB_URL": "mysql://x"},
        {**GOOD, "NEXT_PUBLIC_SUPABASE_URL": "http://example.com"},
        {"NEXT_PUBLIC_SUPABASE_URL": GOOD["NEXT_PUBLIC_SUPABASE_URL"]},
        {**GOOD, "SUPABASE_PROJECT_REF": "another"},
        {**GOOD, "SUPABASE_DB_URL": "postgresql://u@db.example.com/postgres?sslmode=disable"},
        {**GOOD, "BACKUP_SCHEDULE_STATE": "MAYBE"},
    ],
)
def test_whatever_a_command_would_refuse_is_among_the_problems(
    environment: dict[str, str],
) -> None:
    with pytest.raises(ConfigurationError) as first:
        Settings.from_environment(environment)

    problems = environment_problems(environment)

    assert first.value.message in [problem.message for problem in problems]
    assert all(problem.hint for problem in problems)
