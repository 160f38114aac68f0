from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from supakeep.databases.postgres.database import PostgresDatabase
from supakeep.errors import ConfigurationError
from supakeep.settings import SECRET_NAMES, Settings
from supakeep.wiring import SupabaseProject

REMOTE = "postgresql://postgres:pass-word@db.abc.supabase.co/postgres"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"


def read(url: str = REMOTE, **environment: str) -> Settings:
    return Settings.from_environment({"SUPABASE_DB_URL": url, **environment})


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
def test_another_machine_is_not_reached_in_plain_text(mode: str) -> None:
    with pytest.raises(ConfigurationError, match=f"asks for sslmode={mode}") as refused:
        read(f"{REMOTE}?sslmode={mode}")

    assert "pass-word" not in f"{refused.value!r} {vars(refused.value)}"
    assert "SUPABASE_DB_ALLOW_PLAINTEXT=true" in str(refused.value.hint)
    allowed = read(f"{REMOTE}?sslmode={mode}", SUPABASE_DB_ALLOW_PLAINTEXT="true")
    assert allowed.db_plaintext


def test_libpqs_own_variable_does_not_weaken_it_either() -> None:
    with pytest.raises(ConfigurationError, match="asks for sslmode=disable"):
        read(PGSSLMODE="disable")

    assert not read(f"{REMOTE}?sslmode=require", PGSSLMODE="disable").db_plaintext


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_mode_that_encrypts_needs_no_leave(mode: str) -> None:
    assert not read(f"{REMOTE}?sslmode={mode}").db_plaintext


def test_on_this_machine_plain_text_is_good_enough() -> None:
    local = "postgresql://u@127.0.0.1/app?sslmode=disable"

    assert not read(local, SUPABASE_PROJECT_REF="local").db_plaintext


def test_leave_for_plain_text_is_given_in_one_word() -> None:
    with pytest.raises(ConfigurationError, match="is neither true nor false"):
        read(SUPABASE_DB_ALLOW_PLAINTEXT="maybe")


def test_the_certificate_authority_is_a_file_or_its_text(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(PEM)

    assert read(SUPABASE_DB_CA=str(file)).db_ca == str(file)
    assert read(SUPABASE_DB_CA=f"{PEM}\n").db_ca == PEM
    assert read(SUPABASE_DB_CA=PEM.replace("\n", "\\n")).db_ca == PEM
    assert read().db_ca is None
    assert "SUPABASE_DB_CA" in SECRET_NAMES


def test_the_database_is_reached_with_its_certificate_authority(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(PEM)
    environment = {"SUPABASE_DB_URL": REMOTE, "SUPABASE_DB_CA": str(file)}

    database = SupabaseProject.from_environment(environment).database

    assert isinstance(database, PostgresDatabase)
    reached = conninfo_to_dict(database._url)
    assert (reached["sslmode"], reached["sslrootcert"]) == ("verify-full", str(file))


def test_a_certificate_authority_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_text("no certificate")

    for given in ("gone.pem", str(tmp_path), "x" * 5000, str(other)):
        with pytest.raises(ConfigurationError, match=r"^SUPABASE_DB_CA ") as refused:
            read(SUPABASE_DB_CA=given)
        assert refused.value.hint


@pytest.mark.parametrize("host", ["abc.supabase.co", "data.example.com", "10.0.0.1", "kong:8000"])
def test_the_secret_key_is_not_sent_in_plain_text(host: str) -> None:
    for ref in ({}, {"SUPABASE_PROJECT_REF": "abc"}):
        with pytest.raises(ConfigurationError, match="would send the secret key in plain text"):
            Settings.from_environment(
                {"SUPABASE_URL": f"http://{host}", "SUPABASE_SERVICE_ROLE_KEY": "k", **ref}
            )


@pytest.mark.parametrize(
    "host", ["127.0.0.1:54321", "localhost", "[::1]:1", "host.containers.internal:8000"]
)
def test_a_stack_on_this_machine_may_be_reached_over_http(host: str) -> None:
    settings = Settings.from_environment(
        {
            "SUPABASE_URL": f"http://{host}",
            "SUPABASE_SERVICE_ROLE_KEY": "k",
            "SUPABASE_PROJECT_REF": "local",
        }
    )

    assert settings.supabase_url == f"http://{host}"
