from __future__ import annotations

from pathlib import Path

import pytest

from supakeep.domain.schedule import Schedule
from supakeep.errors import ConfigurationError
from supakeep.settings import PACKAGED_POLICY, Settings

MINIMAL = {
    "NEXT_PUBLIC_SUPABASE_URL": "https://abc.supabase.co",
    "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x",
}


def read(**environment: str) -> Settings:
    return Settings.from_environment({**MINIMAL, **environment})


def test_the_two_names_of_the_guide_are_enough() -> None:
    settings = read()

    assert settings.supabase_url == "https://abc.supabase.co"
    assert settings.project_ref == "abc"
    assert settings.service_role_key is not None
    assert settings.service_role_key.get_secret_value() == "sb_secret_x"
    assert settings.backup_bucket == "backups"
    assert settings.max_object_bytes == 45 * 1024 * 1024
    assert settings.mirror_s3_bucket is None
    assert settings.runs_table is None
    assert settings.admin_key is None
    assert settings.policy_file == PACKAGED_POLICY


def test_the_url_may_go_by_its_shorter_name() -> None:
    settings = Settings.from_environment(
        {"SUPABASE_URL": "https://xyz.supabase.co", "SUPABASE_SERVICE_ROLE_KEY": "k"}
    )

    assert settings.project_ref == "xyz"


def test_empty_counts_as_unset() -> None:
    settings = read(
        SUPABASE_PROJECT_REF="", MIRROR_S3_BUCKET=" ", ADMIN_KEY="", BACKUP_BUCKET="", RUNS_TABLE=""
    )

    assert settings == read()


def test_everything_else_is_read_by_its_name() -> None:
    settings = read(
        ADMIN_KEY="a",
        CRON_SECRET="c",
        BACKUP_BUCKET="copies",
        MIRROR_S3_BUCKET="mirror",
        MAX_OBJECT_BYTES="2048",
        RUNS_TABLE="runs",
        SUPAKEEP_CONFIG="my.toml",
        AWS_LAMBDA_FUNCTION_NAME="f",
        PRUNE_FUNCTION_NAME="p",
        BACKUP_SCHEDULE="rate(1 day)",
        BACKUP_SCHEDULE_STATE="DISABLED",
        PRUNE_SCHEDULE="cron(0 4 * * ? *)",
        MAX_BACKUP_AGE_HOURS="30",
    )

    assert settings.backup_bucket == "copies"
    assert settings.mirror_s3_bucket == "mirror"
    assert settings.max_object_bytes == 2048
    assert settings.runs_table == "runs"
    assert settings.policy_file == Path("my.toml")
    assert (settings.function_name, settings.prune_function_name) == ("f", "p")
    assert settings.max_backup_age_hours == 30
    assert settings.schedules == (
        Schedule("backup", "rate(1 day)", enabled=False),
        Schedule("prune", "cron(0 4 * * ? *)"),
    )
    assert read().schedules == ()


@pytest.mark.parametrize("url", ["http://127.0.0.1:54321", "https://data.example.com"])
def test_a_local_stack_or_a_custom_domain_names_its_ref(url: str) -> None:
    settings = read(NEXT_PUBLIC_SUPABASE_URL=url, SUPABASE_PROJECT_REF="local")

    assert (settings.supabase_url, settings.project_ref) == (url, "local")
    with pytest.raises(ConfigurationError, match="Could not extract project ref"):
        read(NEXT_PUBLIC_SUPABASE_URL=url)


@pytest.mark.parametrize("url", ["abc", "ftp://abc.supabase.co", "https://", "postgresql://h/db"])
def test_what_is_no_url_of_a_supabase_project_is_refused_even_with_a_ref(url: str) -> None:
    with pytest.raises(ConfigurationError, match="Could not extract project ref from Supabase URL"):
        read(NEXT_PUBLIC_SUPABASE_URL=url, SUPABASE_PROJECT_REF="local")


def test_a_ref_that_is_not_the_urls_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match="SUPABASE_PROJECT_REF says other, and the Supabase URL says abc"
    ):
        read(SUPABASE_PROJECT_REF="other")

    assert read(SUPABASE_PROJECT_REF="abc").project_ref == "abc"


@pytest.mark.parametrize("ref", ["Not-Lower", "a_b", "../x"])
def test_a_malformed_ref_is_refused(ref: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a project ref"):
        read(NEXT_PUBLIC_SUPABASE_URL="http://127.0.0.1:1", SUPABASE_PROJECT_REF=ref)


@pytest.mark.parametrize("size", ["0", "-5", "1023", "45MiB", "1e9", str(6 * 1024**3)])
def test_a_size_that_cannot_be_is_refused_by_its_name(size: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(MAX_OBJECT_BYTES=size)

    assert refused.value.message.startswith("MAX_OBJECT_BYTES: ")
    assert refused.value.key == "MAX_OBJECT_BYTES"
    assert refused.value.hint == "docs/configuration.md lists the settings with their limits."


def test_secrets_do_not_show() -> None:
    settings = read(ADMIN_KEY="admin-secret", CRON_SECRET="cron-secret")

    shown = f"{settings!r} {settings} {settings.model_dump_json()}"
    for secret in ("sb_secret_x", "admin-secret", "cron-secret"):
        assert secret not in shown


@pytest.mark.parametrize("name", ["SUPABASE_SERVICE_ROLE_KEY", "ADMIN_KEY", "CRON_SECRET"])
@pytest.mark.parametrize(
    "key", ["schlüssel", "key\nkey", "key\r\nkey", "two words", "key\x00", "key\x7f"]
)
def test_a_key_that_no_header_can_carry_is_refused_by_its_name_only(name: str, key: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} is not a key: ") as refused:
        read(**{name: key})

    assert refused.value.key == name
    assert key not in f"{refused.value!r} {vars(refused.value)} {refused.value.__cause__}"


def test_a_key_may_have_every_sign_of_ascii_and_blanks_around_it() -> None:
    signs = "".join(map(chr, range(0x21, 0x7F)))

    settings = read(ADMIN_KEY=f" {signs}\n")

    assert settings.admin_key is not None
    assert settings.admin_key.get_secret_value() == signs


def test_a_policy_file_that_is_not_text_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "supakeep.toml"
    file.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigurationError, match="cannot be read: it is not UTF-8"):
        read(SUPAKEEP_CONFIG=str(file)).policy()


POOLED = "postgresql://postgres.abc:pass-word@aws-0-eu-central-1.pooler.supabase.com:5432/postgres"
DIRECT = "postgresql://postgres:pass-word@db.abc.supabase.co:5432/postgres"


@pytest.mark.parametrize(
    "url",
    [
        POOLED,
        POOLED.replace("postgresql:", "postgres:"),
        POOLED.replace(":5432", ""),
        POOLED.replace("postgres.abc", "supakeep.abc"),
        POOLED.replace(":pass-word", ""),
        f"{POOLED}?sslmode=require",
        DIRECT,
        DIRECT.replace("postgresql:", "postgres:"),
        DIRECT.replace(":5432", ""),
        f"{DIRECT}?sslmode=require",
    ],
)
def test_a_database_address_is_enough_and_shows_the_ref(url: str) -> None:
    settings = Settings.from_environment({"SUPABASE_DB_URL": url})

    assert settings.project_ref == "abc"
    assert settings.db_url is not None
    assert settings.db_url.get_secret_value() == url
    assert (settings.supabase_url, settings.service_role_key) == (None, None)
    assert "pass-word" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_another_servers_address_needs_the_ref_beside_it() -> None:
    address = {"SUPABASE_DB_URL": "postgresql://me:pass-word@localhost:5432/app"}

    named = Settings.from_environment({**address, "SUPABASE_PROJECT_REF": "local"})

    assert named.project_ref == "local"
    with pytest.raises(ConfigurationError, match="Could not extract project ref") as refused:
        Settings.from_environment(address)
    assert refused.value.key == "SUPABASE_DB_URL"


@pytest.mark.parametrize(
    "url",
    [
        "pass-word",
        "postgresql://postgres:pass-word@localhost:5432/postgres",
        "postgresql://postgres:pass-word@db.abc.supabase.co.example.com/postgres",
        "postgresql://postgres:pass-word@aws-0-x.pooler.supabase.com:5432/postgres",
        "postgresql://postgres.ABC:pass-word@aws-0-x.pooler.supabase.com:5432/postgres",
        "https://postgres.abc:pass-word@aws-0-x.pooler.supabase.com:5432/postgres",
        "postgresql://postgres.abc:pass-word/@x@aws-0-x.pooler.supabase.com:5432/postgres",
    ],
)
def test_no_error_shows_the_password_of_a_database_address(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environment({"SUPABASE_DB_URL": url})

    error: BaseException | None = refused.value
    while error is not None:
        assert "pass-word" not in f"{error!r} {error} {vars(error)}"
        error = error.__cause__ or error.__context__


def test_a_projects_address_stands_beside_its_databases() -> None:
    settings = read(SUPABASE_DB_URL=POOLED, DB_CONNECTIONS="4")

    assert (settings.supabase_url, settings.project_ref) == ("https://abc.supabase.co", "abc")
    assert settings.db_connections == 4
    with pytest.raises(ConfigurationError, match=r"^DB_CONNECTIONS: ") as refused:
        read(SUPABASE_DB_URL=POOLED, DB_CONNECTIONS="5")
    assert "pass-word" not in f"{refused.value!r}{refused.value.__cause__}"
