from __future__ import annotations

import io
import stat
from pathlib import Path

import pyrage
import pytest

from tests.builders.backups import ITEMS
from tests.builders.keys import OURS, PAPER, STRANGERS
from tests.builders.manifests import PROJECT
from tests.fakes.database import InMemoryDatabase
from tests.unit.cli.conftest import Supakeep

POLICY = f"""
[backup]
tables = "*"
[storage]
compression = "zstd"
level = 1
[encryption]
recipients = ["{OURS.public}", "{PAPER.public}"]
"""


@pytest.fixture
def name(shop: InMemoryDatabase, supakeep: Supakeep) -> str:
    """An encrypted backup in the folder `copies`; three files with keys beside it."""
    Path("supakeep.toml").write_text(POLICY)
    for file, key in (("ours.txt", OURS), ("paper.txt", PAPER), ("strangers.txt", STRANGERS)):
        Path(file).write_text(f"# public key: {key.public}\n{key.private}\n")
    made = supakeep("backup", "--to", "copies", "--json")
    return str(made.json["name"])


def test_a_folder_holds_an_encrypted_backup_under_its_full_name(name: str) -> None:
    names = {path.name for path in Path("copies/daily").iterdir()}

    assert names == {f"{name}.sql.json.zst.age", f"{name}.manifest.json"}


def test_it_is_restored_with_the_identity_in_a_file(
    supakeep: Supakeep, shop: InMemoryDatabase, name: str
) -> None:
    before = shop.everything()
    shop.delete(ITEMS, id=1)

    ended = supakeep(
        *("restore", name, "--from", "copies", "--confirm", PROJECT, "--identity", "paper.txt")
    )

    assert ended.code == 0
    assert shop.everything() == before


def test_the_identity_may_come_from_standard_input(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{OURS.private}\n"))

    ended = supakeep("verify", name, "--from", "copies", "--identity", "-")

    assert ended.code == 0
    assert "15 rows in 3 tables" in ended.out


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AGE_IDENTITY", OURS.private),
        ("AGE_IDENTITY", f"# both keys\\n{STRANGERS.private}\\n{PAPER.private}"),
        ("SUPAKEEP_IDENTITY_FILE", "ours.txt"),
    ],
    ids=["a key", "lines", "a file"],
)
def test_the_identity_may_come_from_the_environment(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch, name: str, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    ended = supakeep("verify", name, "--from", "copies", "--deep", "--json")

    assert ended.code == 0
    assert ended.json["contents_read"]


def test_verify_without_the_identity_says_that_rows_were_not_read(
    supakeep: Supakeep, name: str
) -> None:
    ended = supakeep("verify", name, "--from", "copies")

    assert ended.code == 0
    assert "not decrypted; whole in copies" in ended.out
    assert (
        "! Its objects are as they were written. It is encrypted, and its rows were not read"
        in (ended.out)
    )


def test_verify_deep_without_the_identity_fails_and_names_the_recipients(
    supakeep: Supakeep, name: str
) -> None:
    ended = supakeep("verify", name, "--from", "copies", "--deep")

    assert ended.code == 1
    assert f"error: {name} is encrypted, and no identity was given to open it" in ended.err
    assert f"Give the private key of {OURS.public} or {PAPER.public}" in ended.err


@pytest.mark.parametrize(
    "command",
    [
        ("verify",),
        ("restore", "--confirm", PROJECT),
        ("restore", "--dry-run"),
        ("diff",),
    ],
)
def test_another_identity_is_refused_with_both_public_keys(
    supakeep: Supakeep, shop: InMemoryDatabase, name: str, command: tuple[str, ...]
) -> None:
    before = shop.everything()

    ended = supakeep(
        *(command[0], name, "--from", "copies", "--identity", "strangers.txt", *command[1:])
    )

    assert ended.code == 1
    assert f"{name} was encrypted to {OURS.public} or {PAPER.public}" in ended.err
    assert f"that of {STRANGERS.public}" in ended.err
    assert "AGE-SECRET-KEY" not in ended.out + ended.err
    assert shop.everything() == before


def test_a_diff_reads_encrypted_backups(
    supakeep: Supakeep, shop: InMemoryDatabase, name: str
) -> None:
    shop.delete(ITEMS, id=1)

    ended = supakeep("diff", name, "--from", "copies", "--identity", "ours.txt", "--json")

    assert ended.code == 0
    assert {t["table"]: t["removed"] for t in ended.json["tables"]}[ITEMS] == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "The identity is empty"),
        (b"# only a comment\n", "The identity is empty"),
        (b"AGE-SECRET-KEY-1QQQ\n", "Line 1 of the identity is not a private key of age"),
        (b"\n\xff\xfe\n", "Line 2 of the identity is not a private key of age"),
        (b"AGE-PLUGIN-YUBIKEY-1QQQ\n", "Line 1 of the identity is of a plugin"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "The identity is an SSH key, or is encrypted"),
        (
            b"age-encryption.org/v1\n-> scrypt AA 18\n",
            "The identity is an SSH key, or is encrypted",
        ),
    ],
)
def test_what_is_no_identity_is_refused_and_not_shown(
    supakeep: Supakeep, name: str, content: bytes, problem: str
) -> None:
    Path("wrong.txt").write_bytes(content)

    ended = supakeep("verify", name, "--from", "copies", "--identity", "wrong.txt")

    assert ended.code == 1
    assert f"error: {problem}" in ended.err
    assert "1QQQ" not in ended.err


def test_a_missing_identity_file_is_named(supakeep: Supakeep, name: str) -> None:
    ended = supakeep("verify", name, "--from", "copies", "--identity", "nowhere.txt")

    assert "error: The identity file nowhere.txt cannot be read: No such file" in ended.err


def test_an_identity_on_standard_input_leaves_nothing_to_confirm_with(
    supakeep: Supakeep, name: str
) -> None:
    ended = supakeep("restore", name, "--from", "copies", "--identity", "-")

    assert ended.code == 2
    assert "give --confirm too" in ended.err


def test_show_says_how_a_backup_is_stored(supakeep: Supakeep, name: str) -> None:
    shown = supakeep("show", name, "--from", "copies")

    assert f"compressed (zstd) and encrypted to {OURS.public}, {PAPER.public}\n" in shown.out


def test_config_show_names_compression_and_recipients(supakeep: Supakeep, name: str) -> None:
    shown = supakeep("config", "show")

    assert "Compression  zstd, level 1\n" in shown.out
    assert f"Encrypted to {OURS.public}, {PAPER.public}\n" in shown.out


def test_config_check_finds_an_identity_that_is_none(
    supakeep: Supakeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGE_IDENTITY", OURS.public)

    ended = supakeep("config", "check")

    assert ended.code == 1
    assert "environment: Line 1 of the identity is not a private key of age" in ended.out


def test_keygen_writes_a_key_for_its_owner_only_and_prints_the_public_one(
    supakeep: Supakeep,
) -> None:
    made = supakeep("keygen", "--output", "key.txt")

    file = Path("key.txt")
    lines = file.read_text().splitlines()
    identity = pyrage.x25519.Identity.from_str(lines[2])
    assert made.code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert lines[1] == f"# public key: {identity.to_public()}"
    assert made.out == f'[encryption]\nrecipients = ["{identity.to_public()}"]\n'
    assert lines[2] not in made.out + made.err


def test_keygen_never_overwrites_a_key(supakeep: Supakeep) -> None:
    Path("key.txt").write_text("the only key")

    ended = supakeep("keygen", "--output", "key.txt")

    assert ended.code == 1
    assert "key.txt exists already" in ended.err
    assert Path("key.txt").read_text() == "the only key"
