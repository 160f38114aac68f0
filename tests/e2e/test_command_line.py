from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.deployment import Deployment


def test_the_whole_life_of_a_backup_from_a_shell(supakeep: Deployment) -> None:
    made = supakeep.run("backup")
    assert (made.code, "11," in made.out) == (0, True), made.err
    name = made.out.split()[0]
    listed = supakeep.run("list")
    assert listed.code == 0
    assert name in listed.out.splitlines()
    assert "primary, mirror" in listed.out
    shown = supakeep.run("show", name)
    assert "last 10,000 by created_at" in shown.out
    verified = supakeep.run("verify", "latest")
    assert (verified.code, verified.out.startswith(f"{name} is good")) == (0, True)
    supakeep.wreck()

    restored = supakeep.run("restore", name, "--confirm", supakeep.ref)

    assert restored.code == 0
    assert supakeep.is_pristine()
    pruned = supakeep.run("prune", "--dry-run")
    assert (pruned.code, "the newest good backup" in pruned.out) == (0, True)


def test_every_command_speaks_json(supakeep: Deployment) -> None:
    name = supakeep.run("backup", "--json").json["name"]

    assert [b["name"] for b in supakeep.run("list", "--json").json["backups"]] == [name]
    assert supakeep.run("show", name, "--json").json["rows"] > 11_000
    assert supakeep.run("verify", name, "--json").json["tables"]["public.user_credits"] == 400
    restored = supakeep.run("restore", name, "--dry-run", "--json").json
    assert all(table["updated"] == 0 for table in restored["tables"])
    assert supakeep.run("prune", "--json").json["stores"][0]["backups"][0]["removed"] is False


def test_a_person_is_erased_from_every_copy_and_the_backup_is_still_good(
    supakeep: Deployment,
) -> None:
    name = supakeep.run("backup", "--json", MAX_OBJECT_BYTES="1000000").json["name"]
    newer = supakeep.run("backup", "--json").json["name"]
    # the newest rows are in the backup, as its policy says
    [(person,)] = supakeep.execute(
        "select user_id::text from credit_transactions order by created_at desc limit 1"
    )
    everybody = supakeep.run("show", name, "--json").json["rows"]
    whose = ("--table", "credit_transactions", "--where", f"user_id={person}")

    erased = supakeep.run("erase", *whose, "--confirm", supakeep.ref, "--json")

    assert erased.code == 0, erased.err
    [first, second] = erased.json["backups"]
    assert [first["backup"], second["backup"]] == [newer, name]
    assert (rows := first["rows"]) == second["rows"] > 0
    assert supakeep.run("erase", *whose, "--json").json["backups"] == []
    assert supakeep.run("verify", name).code == 0
    assert supakeep.run("list", "--json").json["backups"][1]["rows"] == everybody - rows
    pruned = supakeep.run("prune", "--json").json["stores"]
    assert not any(backup["removed"] for store in pruned for backup in store["backups"])
    supakeep.execute("delete from credit_transactions")
    assert supakeep.run("restore", name, "--confirm", supakeep.ref).code == 0
    found = supakeep.execute(
        f"select count(*) filter (where user_id = '{person}'), count(*) > 0 from credit_transactions"
    )
    assert found == [(0, True)]
    kept = supakeep.s3.list_object_versions(Bucket=supakeep.stack.mirror_bucket, Prefix="daily/")
    # earlier tests left versions of theirs
    volumes = tuple(f"daily/{backup}.sql.json" for backup in (name, newer))
    documents = [v for v in kept["Versions"] if v["Key"].startswith(volumes)]
    assert documents
    assert all(version["IsLatest"] for version in documents)


def test_a_local_folder_keeps_a_copy_that_restores(supakeep: Deployment, tmp_path: Path) -> None:
    copies = str(tmp_path / "copies")
    made = supakeep.run("backup", "--to", copies, "--json")
    name = made.json["name"]
    assert supakeep.keys(supakeep.primary) == []
    assert supakeep.run("list", "--from", copies, "--json").json["backups"][0]["name"] == name
    supakeep.wreck()

    restored = supakeep.run("restore", "--from", copies, name, "--confirm", supakeep.ref)

    assert (restored.code, supakeep.is_pristine()) == (0, True)


def test_files_that_were_downloaded_into_one_folder_restore(
    supakeep: Deployment, tmp_path: Path
) -> None:
    name = supakeep.run("backup", "--json", MAX_OBJECT_BYTES="1000000").json["name"]
    for key in supakeep.keys(supakeep.mirror):
        (tmp_path / Path(key).name).write_bytes(supakeep.content(supakeep.mirror, key))
    assert len(list(tmp_path.iterdir())) > 4
    supakeep.wreck()

    restored = supakeep.run("restore", "--from", str(tmp_path), name, "--confirm", supakeep.ref)

    assert (restored.code, supakeep.is_pristine()) == (0, True)


def test_when_the_project_is_gone_the_mirror_lists_and_verifies(supakeep: Deployment) -> None:
    name = supakeep.run("backup", "--json").json["name"]
    bucket = f"s3://{supakeep.stack.mirror_bucket}"
    gone = {"NEXT_PUBLIC_SUPABASE_URL": "", "SUPABASE_SERVICE_ROLE_KEY": ""}

    assert (
        supakeep.run("list", "--from", bucket, "--json", **gone).json["backups"][0]["name"] == name
    )
    assert supakeep.run("verify", "--from", bucket, name, **gone).code == 0


def test_another_projects_backup_needs_explicit_consent(
    supakeep: Deployment, tmp_path: Path
) -> None:
    copies = str(tmp_path)
    made = supakeep.run("backup", "--to", copies, "--json", SUPABASE_PROJECT_REF="other-project")
    name = made.json["name"]
    supakeep.wreck()
    restore = ("restore", "--from", copies, name, "--confirm", supakeep.ref)

    refused = supakeep.run(*restore)
    assert refused.code == 1
    assert f"{name} is a backup of project other-project, not of {supakeep.ref}" in refused.err
    assert not supakeep.is_pristine()

    allowed = supakeep.run(*restore, "--allow-other-project")
    assert (allowed.code, supakeep.is_pristine()) == (0, True)


def test_a_partial_backup_exits_with_three_and_names_the_table(
    supakeep: Deployment, tmp_path: Path
) -> None:
    policy = tmp_path / "supakeep.toml"
    policy.write_text('[[table]]\nname = "user_credits"\n[[table]]\nname = "no_such_table"\n')

    made = supakeep.run("backup", "--config", str(policy))

    assert made.code == 3
    assert "Table public.no_such_table does not exist" in made.out


def test_another_policy_file_decides_what_is_backed_up(
    supakeep: Deployment, tmp_path: Path
) -> None:
    policy = tmp_path / "mine.toml"
    policy.write_text('[backup]\ntables = "*"\nexclude = ["credit_*", "batch_*"]\n')

    tables = supakeep.run("backup", "--config", str(policy), "--json").json["tables"]

    assert {t["name"]: t["rows"] for t in tables} == {
        "public.operation_costs": 12,
        "public.user_credits": 400,
    }


NO_DATABASE = {"SUPABASE_DB_URL": "postgresql://postgres@127.0.0.1:9/postgres"}


@pytest.mark.parametrize(
    ("arguments", "environment", "error"),
    [
        (("list",), {"SUPABASE_PROJECT_REF": ""}, "Could not extract project ref from Supabase URL"),
        (("backup",), {"SUPABASE_SERVICE_ROLE_KEY": "sb_secret_wrong"}, "Permission denied"),
        (("show", "../../etc/passwd"), {}, "is not the name of a backup"),
        (("show", "backup_jewelshot-local_2020-01-01"), {}, "No backup is named"),
        (("list", "--from", "/nowhere/at/all"), {}, "There is no folder"),
        # the database's address: Storage and the Data API are given a minute to come back
        (("backup", "--to", "build/copies"), NO_DATABASE, "did not answer: connection failed"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_with_a_hint_and_exit_code_one(
    supakeep: Deployment, arguments: tuple[str, ...], environment: dict[str, str], error: str
) -> None:
    done = supakeep.run(*arguments, **environment)

    assert done.code == 1
    message, hint = done.err.strip().splitlines()[-2:]
    assert message.startswith("error: ")
    assert error in message
    assert hint.startswith("hint: ")
    assert supakeep.stack.service_key not in done.out + done.err


@pytest.mark.parametrize(
    "damage",
    ["one flipped byte", "cut short", "missing volume", "edited manifest", "newer format"],
)
def test_a_damaged_backup_is_refused_before_anything_is_written(
    supakeep: Deployment, tmp_path: Path, damage: str
) -> None:
    made = supakeep.run("backup", "--to", str(tmp_path), "--json", MAX_OBJECT_BYTES="500000")
    name = made.json["name"]
    volume = sorted((tmp_path / "daily").glob("*.sql.json.*"))[3]
    manifest = tmp_path / "daily" / f"{name}.manifest.json"
    inflict(damage, volume, manifest)
    supakeep.wreck()
    wrecked = supakeep.state()

    done = supakeep.run("restore", "--from", str(tmp_path), name, "--confirm", supakeep.ref)

    assert done.code == 1
    expected = {
        "one flipped byte": "its SHA-256 is not the one in the manifest",
        "cut short": "bytes instead of",
        "missing volume": "it is missing",
        "edited manifest": "its checksum does not match: it was damaged or edited",
        "newer format": "has format supakeep/2, and this version of Supakeep reads up to supakeep/1",
    }
    assert expected[damage] in done.err
    assert supakeep.state() == wrecked
    assert supakeep.run("verify", "--from", str(tmp_path), name).code == 1


def inflict(damage: str, volume: Path, manifest: Path) -> None:
    content = volume.read_bytes()
    fields = json.loads(manifest.read_text())
    match damage:
        case "one flipped byte":
            middle = len(content) // 2
            volume.write_bytes(
                content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
            )
        case "cut short":
            volume.write_bytes(content[:-1])
        case "missing volume":
            volume.unlink()
        case "edited manifest":
            fields["tables"][0]["rows"] += 1
            manifest.write_text(json.dumps(fields))
        case "newer format":
            manifest.write_text(json.dumps({**fields, "format": "supakeep/2"}))
        case _:
            raise ValueError(damage)
