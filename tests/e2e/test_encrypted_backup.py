"""An encrypted backup in Storage and in the mirror, and functions that have no private key."""

from __future__ import annotations

from pathlib import Path

from supakeep.settings import PACKAGED_POLICY
from tests.builders.keys import OURS, PAPER
from tests.e2e.deployment import Deployment


def test_functions_without_a_key_look_after_a_backup_that_its_owner_restores(
    supakeep: Deployment, tmp_path: Path
) -> None:
    policy, key = tmp_path / "supakeep.toml", tmp_path / "key.txt"
    stored = f'[storage]\ncompression = "zstd"\n[encryption]\nrecipients = ["{PAPER.public}"]\n'
    policy.write_text(f"{PACKAGED_POLICY.read_text()}\n{stored}")
    key.write_text(f"{PAPER.private}\n")

    made = supakeep.run("backup", "--config", str(policy), "--json", MAX_OBJECT_BYTES="1000000")

    name = made.json["name"]
    for store in (supakeep.primary, supakeep.mirror):
        volumes = [key for key in supakeep.keys(store) if ".manifest." not in key]
        assert volumes == [f"daily/{name}.sql.json.zst.age.{n:03d}" for n in range(1, 5)]
        assert not any(b"user_id" in supakeep.content(store, volume) for volume in volumes)

    ended = supakeep.follow(supakeep.call("POST", f"/api/admin/backups/{name}/verify"))
    assert [(c["good"], c["contents_read"]) for c in ended["result"]["copies"]] == [
        (True, False),
        (True, False),
    ]
    refused = supakeep.call("POST", "/api/admin/restore", {"name": name, "confirm": supakeep.ref})
    assert (refused.status_code, OURS.public in refused.text) == (422, False)
    assert f"{name} is encrypted, and no identity was given" in refused.json()["error"]

    supakeep.wreck()
    restored = supakeep.run("restore", name, "--confirm", supakeep.ref, "--identity", str(key))

    assert (restored.code, supakeep.is_pristine()) == (0, True), restored.err
