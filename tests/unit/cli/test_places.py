"""Where the command line finds its policy and its stores, and what it says of both."""

from __future__ import annotations

from pathlib import Path

import pytest
from moto import mock_aws

from tests.builders.backups import CUSTOMERS, ITEMS, ORDERS
from tests.builders.manifests import PROJECT
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.unit.cli.conftest import Supakeep


def test_without_a_policy_file_every_table_is_backed_up(
    supakeep: Supakeep, shop: InMemoryDatabase
) -> None:
    Path("supakeep.toml").unlink()

    plain = supakeep("backup", "--to", "copies")
    as_json = supakeep("backup", "--to", "others", "--json")

    assert (plain.code, as_json.code) == (0, 0)
    assert [table["name"] for table in as_json.json["tables"]] == [CUSTOMERS, ITEMS, ORDERS]
    assert plain.err.startswith("Policy: every table of public, kept within 7 days ")


@pytest.mark.parametrize("how", ["here", "variable", "option"])
def test_the_policy_file_that_applies_is_named(
    supakeep: Supakeep, shop: InMemoryDatabase, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    options: tuple[str, ...] = ()
    file = "supakeep.toml"
    if how != "here":
        file = "mine.toml"
        Path(file).write_text('[[table]]\nname = "orders"\n')
    if how == "variable":
        monkeypatch.setenv("SUPAKEEP_CONFIG", file)
    if how == "option":
        options = ("--config", file)

    ended = supakeep("backup", "--to", "copies", *options)

    assert ended.err.startswith(f"Policy: {file}\n")
    assert (CUSTOMERS in ended.out.split("!")[0]) is (how == "here")


def test_a_prune_names_its_policy_too(supakeep: Supakeep, primary: InMemoryObjectStore) -> None:
    Path("supakeep.toml").unlink()

    assert "kept within 7 days" in supakeep("prune").err
    assert supakeep("prune", "--json").err == ""


@pytest.mark.parametrize(
    "command",
    [
        ("backup", "--to"),
        ("list", "--from"),
        ("restore", "latest", "--confirm", PROJECT, "--from"),
    ],
)
def test_a_file_is_not_taken_for_a_folder(
    supakeep: Supakeep, shop: InMemoryDatabase, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    Path("copies").write_text("a file")
    monkeypatch.setattr(shop, "snapshot", None)  # no table is read before

    ended = supakeep(*command, "copies")

    assert ended.code == 1
    assert ended.err.startswith("error: copies is a file; --to and --from take a folder\nhint: ")
    assert Path("copies").read_text() == "a file"


def test_without_storage_a_question_says_where_backups_could_be(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEXT_PUBLIC_SUPABASE_URL")
    monkeypatch.setenv(
        "SUPABASE_DB_URL", f"postgresql://postgres@db.{PROJECT}.supabase.co/postgres"
    )

    ended = supakeep("list")

    assert ended.code == 1
    assert "error: NEXT_PUBLIC_SUPABASE_URL is not set" in ended.err
    assert "--from (list, restore, …) with a folder or s3://bucket" in ended.err


def test_a_bucket_that_stands_for_storage_is_not_the_mirror(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEXT_PUBLIC_SUPABASE_URL")
    monkeypatch.setenv(
        "SUPABASE_DB_URL", f"postgresql://postgres@db.{PROJECT}.supabase.co/postgres"
    )
    monkeypatch.setenv("MIRROR_S3_BUCKET", "copies")

    ended = supakeep("list", "--from", "mirror")

    assert ended.code == 1
    assert "error: No mirror is configured" in ended.err
    assert "MIRROR_S3_BUCKET is the primary store: leave --from out" in ended.err


def test_a_bucket_that_does_not_exist_is_reported_before_a_table_is_read(
    supakeep: Supakeep, shop: InMemoryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    with mock_aws():
        ended = supakeep("backup", "--to", "s3://missing-bucket")

    assert ended.code == 1
    assert "error: The S3 bucket missing-bucket does not exist" in ended.err
    assert CUSTOMERS not in ended.err


def test_a_bucket_without_aws_credentials_says_how_to_give_them(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    # boto3 keeps the credentials that an earlier test gave this process
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)

    ended = supakeep("list", "--from", "s3://copies")

    assert ended.code == 1
    assert "error: AWS credentials are missing or incomplete: NoCredentialsError" in ended.err
    assert "hint: Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in ended.err
