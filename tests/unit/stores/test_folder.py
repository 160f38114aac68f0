from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest

from supakeep.errors import InvalidRequestError, ObjectAlreadyExistsError, StorageError
from supakeep.stores.folder import FolderObjectStore

NAME = "backup_abc_2026-11-22.sql.json"
KEY = f"daily/{NAME}"


def on_a_full_disk(folder: Path) -> tuple[int, str]:
    """A file whose every write fails; its name is of another one."""
    path = folder / "daily/.supakeep-partial"
    path.touch()
    return os.open("/dev/full", os.O_RDWR), str(path)


def keys(store: FolderObjectStore) -> list[str]:
    return [stored.key for stored in store.list("daily/")]


def test_a_write_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise RuntimeError("broken off")
            return super().read(min(size or 0, 10) if size and size > 0 else 10)

    store = FolderObjectStore(tmp_path)

    with pytest.raises(RuntimeError):
        store.put(KEY, Breaking(b"x" * 100))

    assert keys(store) == []
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


def test_files_that_a_browser_saved_are_found_beside_those_of_backups(tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path)
    store.put("daily/backup_abc_2026-11-21.sql.json", io.BytesIO(b"written"))
    (tmp_path / NAME).write_bytes(b"downloaded")

    assert keys(store) == ["daily/backup_abc_2026-11-21.sql.json", KEY]
    with store.read(KEY) as pieces:
        assert b"".join(pieces) == b"downloaded"
    store.delete(KEY)
    assert not (tmp_path / NAME).exists()


def test_a_file_that_lies_in_both_places_is_listed_once(tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path)
    store.put(KEY, io.BytesIO(b"written"))
    (tmp_path / NAME).write_bytes(b"downloaded")

    [stored] = store.list("daily/")

    with store.read(KEY) as pieces:
        content = b"".join(pieces)
    assert content == b"written"
    assert stored.size_bytes == len(content)


def test_other_files_are_not_listed(tmp_path: Path) -> None:
    (tmp_path / "daily").mkdir()
    for name in ("notes.txt", "daily/.supakeep-tmp", "daily/.DS_Store", "supakeep.toml"):
        (tmp_path / name).write_text("x")

    assert keys(FolderObjectStore(tmp_path)) == []


def test_what_a_killed_writer_left_is_removed_by_a_later_one(tmp_path: Path) -> None:
    daily = tmp_path / "daily"
    daily.mkdir()
    old, young = daily / ".supakeep-old", daily / ".supakeep-young"
    for path in (old, young):
        path.write_bytes(b"half a volume")
    a_day_ago = time.time() - 25 * 3600
    os.utime(old, (a_day_ago, a_day_ago))

    FolderObjectStore(tmp_path).put(KEY, io.BytesIO(b"x"))

    # another writer may be at work on the young one
    assert sorted(path.name for path in daily.iterdir()) == [young.name, NAME]


def test_a_file_is_readable_only_by_its_owner(tmp_path: Path) -> None:
    FolderObjectStore(tmp_path).put(KEY, io.BytesIO(b"x"))

    assert (tmp_path / KEY).stat().st_mode & 0o777 == 0o600


def test_a_conflict_leaves_no_partial_file(tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path)
    store.put(KEY, io.BytesIO(b"first"))

    with pytest.raises(ObjectAlreadyExistsError):
        store.put(KEY, io.BytesIO(b"second"))

    assert [path.name for path in (tmp_path / "daily").iterdir()] == [NAME]


def test_a_spool_is_the_object_and_not_a_copy_of_it(tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path)

    with store.spool(KEY) as spool:
        spool.write(b"x" * 100_000)
        spool.seek(0)
        store.put(KEY, spool)
        assert (tmp_path / KEY).stat().st_ino == os.fstat(spool.fileno()).st_ino

    assert [path.name for path in (tmp_path / "daily").iterdir()] == [NAME]
    assert (tmp_path / KEY).stat().st_mode & 0o777 == 0o600


def test_a_spool_of_another_folder_is_copied(tmp_path: Path) -> None:
    here, there = FolderObjectStore(tmp_path / "here"), FolderObjectStore(tmp_path / "there")

    with here.spool(KEY) as spool:
        spool.write(b"content")
        spool.seek(0)
        there.put(KEY, spool)
        assert (tmp_path / "there" / KEY).stat().st_ino != os.fstat(spool.fileno()).st_ino

    assert (tmp_path / "there" / KEY).read_bytes() == b"content"
    assert list((tmp_path / "here/daily").iterdir()) == []


def test_a_full_disk_is_reported_as_the_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "supakeep.stores.folder._open_for_owner", lambda *_: on_a_full_disk(tmp_path)[0]
    )

    with pytest.raises(StorageError) as refused, FolderObjectStore(tmp_path).spool(KEY) as spool:
        spool.write(b"x" * 100_000)

    assert refused.value.message == f"No space left on device: {KEY}"
    assert refused.value.hint == "Free some space there, or name another folder."


def test_where_the_file_is_is_reported_in_place_of_an_address(tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path)
    store.put(KEY, io.BytesIO(b"x"))

    with pytest.raises(InvalidRequestError) as refused:
        store.signed_url(KEY, 60)

    assert refused.value.hint == f"The file is {tmp_path / KEY}."
