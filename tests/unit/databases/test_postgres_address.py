"""What a database's address is completed with, before anything is connected."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from supakeep.databases.postgres.address import completed, with_authority
from supakeep.errors import ConfigurationError

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
REMOTE = "postgresql://postgres.abc:secret@aws-0-eu-central-1.pooler.supabase.com:5432/postgres"


@pytest.fixture(autouse=True)
def _no_settings_of_libpq(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGHOSTADDR", "PGSSLMODE", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "url",
    [
        REMOTE,
        "postgresql://postgres@10.0.0.7/postgres",
        "postgresql://postgres@[2a05:d014::1]/postgres",
        "postgresql://postgres@localhost,db.example/postgres",
        "postgresql://postgres@localhost.example/postgres",
        "postgresql://postgres@localhost/postgres?hostaddr=10.0.0.7",
        "service=production",
    ],
)
def test_another_machine_must_offer_tls(url: str) -> None:
    assert completed(url)["sslmode"] == "require"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://postgres@localhost:54322/postgres",
        "postgresql://postgres@127.0.0.1/postgres",
        "postgresql://postgres@127.8.0.1/postgres",
        "postgresql://postgres@[::1]/postgres",
        "postgresql:///postgres?host=/var/run/postgresql",
        "postgresql:///postgres",
    ],
)
def test_this_machine_need_not(url: str) -> None:
    assert "sslmode" not in completed(url)


def test_an_explicit_sslmode_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed(f"{REMOTE}?sslmode=disable")["sslmode"] == "disable"

    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert "sslmode" not in completed(REMOTE)


def test_a_host_of_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example")

    assert completed("postgresql:///postgres")["sslmode"] == "require"


def test_a_given_authority_is_verified_whatever_the_host(tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_text(PEM)

    parameters = conninfo_to_dict(with_authority(REMOTE, str(file)))

    assert (parameters["sslmode"], parameters["sslrootcert"]) == ("verify-full", str(file))
    assert parameters["password"] == "secret"
    assert with_authority(REMOTE, None) == REMOTE


@pytest.mark.parametrize("text", [PEM, PEM.replace("\n", "\\n")])
def test_an_authority_given_as_text_is_in_a_private_file(text: str) -> None:
    parameters = conninfo_to_dict(with_authority(REMOTE, text))

    file = Path(str(parameters["sslrootcert"]))
    assert file.read_text() == PEM
    assert file.parent.stat().st_mode & 0o077 == 0


def test_what_the_address_says_of_tls_wins_over_the_authority(tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_text(PEM)

    parameters = conninfo_to_dict(with_authority(f"{REMOTE}?sslmode=verify-ca", str(file)))

    assert parameters["sslmode"] == "verify-ca"


def test_an_authority_that_is_nowhere_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="SUPABASE_DB_CA is neither"):
        with_authority(REMOTE, "/no/such/file.crt")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://postgres:Tr0ub@dour@db.example:5432/postgres",
        "postgresql://postgres:Tr0ub/dour@db.example:5432/postgres",
        "postgresql://postgres:Tr0ub%dour@db.example:5432/postgres",
        "host=db.example password='Tr0ub dour",
    ],
)
def test_an_address_that_cannot_be_read_is_refused_without_any_part_of_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SUPABASE_DB_URL cannot be read") as refused:
        completed(url)

    seen = f"{refused.value} {refused.value.hint} {refused.value.__cause__}"
    assert "Tr0ub" not in seen
    assert "dour" not in seen
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
