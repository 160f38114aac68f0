from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.manifests import PROJECT
from tests.builders.signing import SIGNING_KEY
from tests.unit.cli.conftest import SECRET_KEY, Supakeep


def test_a_configuration_in_order_ends_with_code_0(supakeep: Supakeep) -> None:
    ended = supakeep("config", "check")

    assert ended.code == 0
    assert ended.out == "No problem found in the environment and supakeep.toml\n"


def test_every_problem_is_shown_with_file_line_and_fix(
    supakeep: Supakeep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "supakeep.toml").write_text('[backup]\ntables = "*"\nexcluded = ["a"]\n')
    monkeypatch.setenv("DB_CONNECTIONS", "9")
    monkeypatch.delenv("SUPABASE_SERVICE_ROLE_KEY")

    ended = supakeep("config", "check")

    assert ended.code == 1
    assert ended.out.splitlines() == [
        "supakeep.toml:3: excluded of [backup] is not a key that Supakeep knows",
        "  fix: Write exclude.",
        "environment: SUPABASE_SERVICE_ROLE_KEY is not set",
        "  fix: Copy the secret key (sb_secret_…) from the dashboard, API keys; in AWS it is in the secret.",
        "environment: DB_CONNECTIONS: it must be less than or equal to 4",
        "  fix: docs/configuration.md lists the settings with their limits.",
        "3 problems found in the environment and supakeep.toml",
    ]


def test_the_fields_of_a_problem(supakeep: Supakeep, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("[backup]\n")

    ended = supakeep("config", "check", "--config", "other.toml", "--json")

    assert ended.code == 1
    assert ended.json == {
        "problems": [
            {
                "file": "other.toml",
                "line": None,
                "message": 'Nothing is backed up: add [[table]] entries or [backup] tables = "*"',
                "fix": 'Add [[table]] entries, or [backup] with tables = "*".',
            }
        ]
    }


def test_a_file_that_is_not_there_is_a_problem(supakeep: Supakeep) -> None:
    ended = supakeep("config", "check", "--config", "none.toml")

    assert ended.code == 1
    assert ended.out.startswith("none.toml: none.toml cannot be read: No such file or directory\n")


def test_show_prints_what_applies_and_no_secret(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRROR_S3_BUCKET", "copies")
    monkeypatch.setenv("SUPABASE_DB_URL", f"postgresql://u:pass@db.{PROJECT}.supabase.co/postgres")

    ended = supakeep("config", "show")

    assert ended.code == 0, ended.err
    lines = dict(line.split(maxsplit=1) for line in ended.out.splitlines())
    assert lines["Engine"] == "postgres"
    assert lines["Project"] == f"{PROJECT} at https://{PROJECT}.supabase.co"
    assert "Storage bucket backups and s3://copies" in ended.out
    assert "SUPABASE_SERVICE_ROLE_KEY, SUPABASE_DB_URL" in ended.out
    assert SECRET_KEY not in ended.out
    assert "pass@" not in ended.out


def test_the_fields_of_show(supakeep: Supakeep) -> None:
    ended = supakeep("config", "show", "--json")

    assert ended.json == {
        "project": PROJECT,
        "supabase_url": f"https://{PROJECT}.supabase.co",
        "destination": PROJECT,
        "engine": "rest",
        "storage_bucket": "backups",
        "mirror": None,
        "copies": {},
        "runs_table": None,
        "runs_folder": str(Path("state/supakeep/runs").absolute()),
        "max_object_bytes": 47185920,
        "policy_file": "supakeep.toml",
        "tables": {},
        "patterns": {
            "tables": ["*"],
            "exclude": [],
            "schemas": ["public"],
            "auth": True,
            "files": {"buckets": [], "exclude": [], "max_bytes": 268435456, "copies": []},
        },
        "retention": {"keep_within_days": 7},
        "compression": "none",
        "recipients": [],
        "keys_set": ["SUPABASE_SERVICE_ROLE_KEY"],
    }


def test_config_alone_lists_its_commands(supakeep: Supakeep) -> None:
    ended = supakeep("config")

    assert ended.code == 2
    assert "check" in ended.err
    assert "show" in ended.err


@pytest.mark.parametrize("setting", [{}, {"SUPAKEEP_CONFIG": "/dev/null"}])
def test_dev_null_stands_for_no_file(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch, setting: dict[str, str]
) -> None:
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    option = () if setting else ("--config", "/dev/null")

    shown = supakeep("config", "show", "--json", *option).json

    assert (shown["policy_file"], shown["patterns"]["tables"]) == (None, ["*"])
    assert supakeep("config", "check", *option).code == 0


def test_a_hash_without_a_signing_key_is_a_problem(
    supakeep: Supakeep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "supakeep.toml").write_text('[[table]]\nname = "a"\nmask = { email = "hash" }\n')
    monkeypatch.delenv("SIGNING_KEY", raising=False)

    ended = supakeep("config", "check")

    assert ended.code == 1
    assert ended.out.splitlines()[0] == (
        "supakeep.toml: email of public.a is to be hashed, and there is no SIGNING_KEY"
    )
    monkeypatch.setenv("SIGNING_KEY", SIGNING_KEY)
    assert supakeep("config", "check").code == 0
