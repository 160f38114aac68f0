from __future__ import annotations

from pathlib import Path

from tests.builders.manifests import PROJECT
from tests.fakes.database import InMemoryDatabase
from tests.fakes.object_store import InMemoryObjectStore
from tests.unit.cli.conftest import Supakeep


def test_a_download_is_a_folder_to_restore_from(
    supakeep: Supakeep, shop: InMemoryDatabase, primary: InMemoryObjectStore
) -> None:
    name = supakeep("backup", "--json").json["name"]
    before = shop.everything()

    ended = supakeep("download", "latest", "--to", "copies")
    primary.objects.clear()
    shop.delete("public.items", id=1)
    restored = supakeep("restore", name, "--from", "copies", "--confirm", PROJECT)

    assert ended.code == 0, ended.err
    assert ended.out.startswith(f"{name} is in copies: 2 objects, ")
    assert ended.out.endswith(" KiB, read from primary; every checksum is right\n")
    assert f"{name}.sql.json" in ended.err
    assert restored.code == 0
    assert shop.everything() == before


def test_the_fields_of_a_download(
    supakeep: Supakeep, backup_in_copies: str, tmp_path: Path
) -> None:
    ended = supakeep("download", "latest", "--from", "copies", "--to", "more", "--json")

    size = (tmp_path / f"copies/daily/{backup_in_copies}.sql.json").stat().st_size
    assert ended.json == {
        "backup": backup_in_copies,
        "to": "more",
        "read_from": ["copies"],
        "objects": 2,
        "already_there": 0,
        "bytes": size,
        "warnings": [],
    }


def test_progress_for_programs_counts_bytes(
    supakeep: Supakeep, backup_in_copies: str, tmp_path: Path
) -> None:
    ended = supakeep(
        *("download", "latest", "--from", "copies", "--to", "more", "--progress", "json")
    )

    size = (tmp_path / f"copies/daily/{backup_in_copies}.sql.json").stat().st_size
    last = ended.err.splitlines()[-1]
    assert last == (
        f'{{"object": "{backup_in_copies}.sql.json", "bytes": {size}, "expected": {size}, '
        '"status": "complete"}'
    )


def test_a_damaged_copy_is_named_and_the_end_is_partial(
    supakeep: Supakeep,
    shop: InMemoryDatabase,
    primary: InMemoryObjectStore,
    mirror: InMemoryObjectStore,
) -> None:
    name = supakeep("backup", "--json").json["name"]
    key = f"daily/{name}.sql.json"
    primary.place(key, primary.objects[key].replace(b"customer 1", b"customer 9"))

    ended = supakeep("download", name, "--to", "copies")

    assert ended.code == 3
    assert "read from mirror and primary" in ended.out
    assert f"! {key} is damaged" in ended.out


def test_an_unknown_backup_is_not_downloaded(supakeep: Supakeep, backup_in_copies: str) -> None:
    ended = supakeep(
        *("download", f"backup_{PROJECT}_2020-01-01", "--from", "copies", "--to", "more")
    )

    assert ended.code == 1
    assert "No backup is named" in ended.err
