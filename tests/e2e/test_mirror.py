from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.deployment import Deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

MISSING = "does not exist"


@pytest.fixture
def without_mirror_bucket(supakeep: Deployment) -> Iterator[Deployment]:
    """Somebody deleted the mirror's bucket."""
    bucket = supakeep.stack.mirror_bucket
    versions = supakeep.s3.list_object_versions(Bucket=bucket)
    for version in [*versions.get("Versions", []), *versions.get("DeleteMarkers", [])]:
        supakeep.s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    supakeep.s3.delete_bucket(Bucket=bucket)
    yield supakeep
    supakeep.stack.wait_idle()
    supakeep.s3.create_bucket(Bucket=bucket)


def test_a_verification_says_which_copy_is_good(supakeep: Deployment) -> None:
    name = supakeep.back_up()["backup"]
    path = f"/api/admin/backups/{name}/verify"

    good = supakeep.follow(supakeep.call("POST", path))
    supakeep.mirror.delete(f"daily/{name}.sql.json")
    damaged = supakeep.follow(supakeep.call("POST", path))
    alone = supakeep.follow(supakeep.call("POST", path, {"read_from": "mirror"}))

    assert (good["status"], good["backup"]) == ("complete", name)
    assert good["tables"]["public.credit_transactions"]["rows_expected"] == 10_000
    assert [(c["store"], c["good"]) for c in damaged["result"]["copies"]] == [
        ("primary", True),
        ("mirror", False),
    ]
    assert damaged["status"] == "partial"
    assert f"{name}.sql.json" in damaged["result"]["copies"][1]["problem"]["message"]
    assert (alone["status"], alone["result"]) == ("failed", None)


def test_a_mirror_that_fails_makes_a_partial_success_that_is_visible_everywhere(
    without_mirror_bucket: Deployment,
) -> None:
    supakeep = without_mirror_bucket

    run = supakeep.back_up()

    message = (
        f"The copy in mirror failed: The S3 bucket {supakeep.stack.mirror_bucket} does not exist"
    )
    assert run["status"] == "partial"
    assert run["result"]["copies"][0]["problem"]["message"] == message
    assert supakeep.call("GET", f"/api/admin/runs/{run['id']}").json()["status"] == "partial"
    listed = supakeep.call("GET", "/api/admin/backups").json()
    assert [(b["status"], b["locations"]) for b in listed["backups"]] == [("partial", ["primary"])]
    assert MISSING in listed["problems"]["mirror"]["message"]
    manifest = supakeep.manifest(run["backup"])
    assert (manifest.status, manifest.is_good) == ("partial", True)
    shown = supakeep.run("list")
    assert (shown.code, "partial" in shown.out, MISSING in shown.out) == (3, True, True)
    warned = [line for line in supakeep.logged() if line.get("type") == "warn"]
    assert any(line["message"].startswith(message) for line in warned)
    failures = [line["MissedCopies"] for line in supakeep.logged() if "MissedCopies" in line]
    assert [1] in failures


def test_a_backup_without_its_mirror_still_restores(without_mirror_bucket: Deployment) -> None:
    supakeep = without_mirror_bucket
    name = supakeep.back_up()["backup"]
    supakeep.wreck()

    assert supakeep.restore(name)["status"] == "complete"
    assert supakeep.is_pristine()


def test_where_the_storage_bucket_is_gone_the_mirror_restores(supakeep: Deployment) -> None:
    name = supakeep.back_up()["backup"]
    supakeep.stack.wait_idle()
    supakeep.wreck()
    with supakeep.without_bucket():
        run = supakeep.restore(name)

    assert (run["status"], run["result"]["read_from"]) == ("complete", "mirror")
    assert supakeep.is_pristine()


def test_without_the_storage_bucket_a_backup_fails_in_the_guides_words(
    supakeep: Deployment,
) -> None:
    with supakeep.without_bucket():
        answer = supakeep.call("GET", "/api/cron/backup", key="cron")
        shell = supakeep.run("backup")
        failed = supakeep.stack.invoke("BackupFunction", {"action": "backup"})

    fix = "`supakeep migration`"
    assert answer.status_code == 502
    assert fix in answer.json()["hint"]
    assert shell.code == 1
    assert "Upload failed: Storage bucket not found" in shell.err
    assert fix in shell.err
    assert failed.error is not None
    assert "Upload failed: Storage bucket not found" in failed.payload.decode()
    errors = [line for line in supakeep.logged() if line.get("type") == "error"]
    told = [e for e in errors if e["message"] == "Upload failed: Storage bucket not found"]
    assert any(fix in e["context"]["hint"] for e in told)
