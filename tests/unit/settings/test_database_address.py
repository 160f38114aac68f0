"""Where SUPABASE_DB_URL leads, and that no error about it shows its password."""

from __future__ import annotations

import pytest

from supakeep.errors import ConfigurationError
from supakeep.settings import Settings
from supakeep.settings.database_address import DatabaseAddress

CANARY = "canary"
POOLER = "aws-0-eu-central-1.pooler.supabase.com:5432/postgres"


def parse(url: str, **environment: str) -> DatabaseAddress:
    return DatabaseAddress.parse(url, environment)


def said(error: BaseException | None) -> str:
    """Everything that an error and what led to it could show."""
    text = ""
    while error is not None:
        text += f"{error!r} {error} {vars(error)} "
        error = error.__cause__ or error.__context__
    return text


@pytest.mark.parametrize("password", ["can@ary", "can#ary", "can%ary", "can/ary", "can?ary", "can ary",
                                      "[can]ary", "can%00ary", "can%4", "@can@", "can\tary", "%zzcan"])  # fmt: skip
@pytest.mark.parametrize(
    "place",
    [POOLER, "db.abc.supabase.co:5432/postgres", "localhost/app", "[::1]:5433/app?sslmode=require"],
)
def test_a_password_that_is_not_percent_encoded_is_refused_without_a_part_of_it(
    password: str, place: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environment(
            {
                "SUPABASE_DB_URL": f"postgresql://postgres.abc:{password}@{place}",
                "SUPABASE_PROJECT_REF": "abc",
            }
        )

    assert "must be percent-encoded" in refused.value.message
    assert "@ as %40, # as %23, % as %25, / as %2F" in str(refused.value.hint)
    assert "can" not in said(refused.value).replace("can be", "")
    assert "ary" not in said(refused.value).replace("binary", "")


@pytest.mark.parametrize(
    "url",
    [
        CANARY,
        f"host=localhost password={CANARY}",
        f"https://postgres:{CANARY}@localhost/app",
        f"postgresql://postgres:{CANARY}",
        f"postgresql://postgres:1{CANARY}",
        f"postgresql://postgres:123456{CANARY}/app",
        f"postgresql://localhost/app/{CANARY}",
        f"postgresql://localhost/app?password=%{CANARY}",
        f"postgresql://localhost/app?password=%x{CANARY}",
        f"postgresql://localhost/app?pgbouncer=true&password={CANARY}",
        f"postgresql://localhost/app?service={CANARY}",
        f"postgresql://localhost:1:{CANARY}/app",
        f"postgresql://[::1/{CANARY}",
    ],
)
def test_a_malformed_address_is_refused_without_a_part_of_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^SUPABASE_DB_URL ") as refused:
        Settings.from_environment({"SUPABASE_DB_URL": url, "SUPABASE_PROJECT_REF": "abc"})

    assert refused.value.hint
    assert CANARY not in said(refused.value)


@pytest.mark.parametrize(
    ("url", "host", "port", "database", "ref"),
    [
        (f"postgresql://postgres.abc:p%40ss@{POOLER}", None, "5432", "postgres", "abc"),
        ("postgres://u:p:w@db.abc.supabase.co/x", "db.abc.supabase.co", "5432", "x", "abc"),
        ("postgresql://u@localhost:54322/app", "localhost", "54322", "app", None),
        ("postgresql://u@[::1]:5433", "::1", "5433", "u", None),
        ("postgresql://u@h1:1,h2:2/app", "h1,h2", "1,2", "app", None),
        # what stands after the question mark goes before what stands in front of it
        ("postgresql://db.abc.supabase.co/x?host=db.other.supabase.co", "db.other.supabase.co",
         "5432", "x", "other"),
        ("postgresql://db.abc.supabase.co/x?hostaddr=10.0.0.1", "10.0.0.1", "5432", "x", None),
        ("postgresql://%2Ftmp%2Fsocket/app", "", "5432", "app", None),
        ("postgresql:///app?user=me", "", "5432", "app", None),
    ],
)  # fmt: skip
def test_an_address_is_read_as_libpq_reads_it(
    url: str, host: str | None, port: str, database: str, ref: str | None
) -> None:
    address = parse(url)

    if host is not None:
        assert (address.host or "") == host
    assert (address.port, address.database, address.project_ref) == (port, database, ref)


def test_what_the_address_leaves_open_libpq_takes_from_the_environment() -> None:
    address = parse("postgresql:///app", PGHOST="db.example.com", PGPORT="6000", PGDATABASE="x")

    assert str(address) == "db.example.com:6000/app"
    assert not address.is_this_machine


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("app.localhost", True),
        ("127.1.2.3", True),
        ("[::1]", True),
        ("0.0.0.0", True),  # noqa: S104
        ("host.containers.internal", True),
        ("host.docker.internal", True),
        ("%2Ftmp", True),
        ("", True),
        ("localhost,127.0.0.1", True),
        ("localhost,db.example.com", False),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("db.abc.supabase.co", False),
    ],
)
def test_this_machine_is_distinguished_from_others(host: str, local: bool) -> None:
    assert parse(f"postgresql://u@{host}/app").is_this_machine is local


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u@a.example.com,b.example.com/app", "a.example.com,b.example.com/app"),
        ("postgresql://u@a.example.com:5432,b.example.com:5432/app",
         "a.example.com,b.example.com/app"),
        ("postgresql://u@a.example.com:6000,b.example.com/app",
         "a.example.com:6000,b.example.com/app"),
        ("postgresql://u@a.example.com,b.example.com/app?port=6000",
         "a.example.com:6000,b.example.com:6000/app"),
    ],
)  # fmt: skip
def test_an_address_of_several_servers_is_shown_with_each_ones_port(url: str, shown: str) -> None:
    assert str(parse(url)) == shown
