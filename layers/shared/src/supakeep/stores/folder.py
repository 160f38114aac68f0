"""A local folder as an object store: copies to keep, and files downloaded earlier."""

from __future__ import annotations

import datetime as dt
import glob
import io
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from supakeep.domain.backup_name import FOLDER
from supakeep.errors import (
    BucketNotFoundError,
    InvalidRequestError,
    ObjectAlreadyExistsError,
    ObjectNotFoundError,
    StorageError,
    StoragePermissionError,
    StorageUnavailableError,
)
from supakeep.ports import StoredObject
from supakeep.stores.deletion import delete_each
from supakeep.stores.hints import MISSING_OBJECT_HINT, TAKEN_KEY_HINT
from supakeep.system import NO_ROOM

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_PIECE_BYTES = 1024 * 1024
_PARTIAL = ".supakeep-"
_open_for_owner = partial(os.open, mode=0o600)
# no upload into a folder takes as long
_PARTIAL_AGE_SECONDS = 24 * 3600


class FolderObjectStore:
    """Objects as files below `root`; a key's folders become folders.

    Files that lie in `root` itself, as a browser saves them, are found as well.
    """

    def __init__(self, root: Path, *, name: str | None = None) -> None:
        self.name = name or str(root)
        self._root = root

    def require_private(self) -> None:
        """Nothing to ask: only the user who runs Supakeep may read the files that it writes."""

    def spool(self, key: str) -> BinaryIO:
        return cast(BinaryIO, io.BufferedRandom(self._partial_file(key)))

    def put(self, key: str, content: BinaryIO) -> None:
        with _mapped_errors("upload", key):
            if (spooled := self._spooled(key, content)) is not None:
                content.flush()
                spooled.publish(self._root / key)
                return
            with self._copied(key, content) as copied:
                copied.publish(self._root / key)

    def replace(self, key: str, content: BinaryIO) -> None:
        with _mapped_errors("upload", key), self._copied(key, content) as copied:
            copied.take_place_of(self._path(key))

    @contextmanager
    def _copied(self, key: str, content: BinaryIO) -> Iterator[_PartialFile]:
        with self._partial_file(key) as copied:
            copy = io.BufferedWriter(copied)
            shutil.copyfileobj(content, copy, _PIECE_BYTES)
            copy.flush()
            yield copied

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        with _mapped_errors("download", key), self._path(key).open("rb") as file:
            yield iter(lambda: file.read(_PIECE_BYTES), b"")

    def list(self, prefix: str) -> Iterator[StoredObject]:
        if not self._root.is_dir():
            raise BucketNotFoundError(
                f"There is no folder {self._root}",
                operation="list",
                key=str(self._root),
                hint="Correct the path after --from or --to.",
            )
        with _mapped_errors("list", prefix):
            top = prefix.partition("/")[0]
            found = self._backups() if top == FOLDER else self._below(prefix)
            for key in sorted(found):
                stored = _stored_object(key, found[key]) if key.startswith(prefix) else None
                if stored is not None:
                    yield stored

    def _backups(self) -> dict[str, Path]:
        """The files of backups, by their keys."""
        folders = (self._root, self._root / FOLDER)
        paths = (path for folder in folders for path in folder.glob("backup_*"))
        return {f"{FOLDER}/{path.name}": path for path in paths}

    def _below(self, prefix: str) -> dict[str, Path]:
        """The files whose keys begin so, by their keys; no other folder is looked into."""
        folder, _, start = prefix.rpartition("/")
        below = (self._root / folder).glob(f"{glob.escape(start)}*")
        paths = (file for path in below for file in _files_of(path))
        return {path.relative_to(self._root).as_posix(): path for path in paths}

    def delete(self, key: str) -> None:
        with _mapped_errors("delete", key):
            self._path(key).unlink(missing_ok=True)

    def delete_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        return delete_each(self.delete, keys)

    def erase_all(self, keys: Sequence[str]) -> dict[str, StorageError]:
        return self.delete_all(keys)

    def signed_url(self, key: str, expires_in_seconds: int) -> str:  # noqa: ARG002 (the port's)
        raise InvalidRequestError(
            "Files in a folder have no address to download from",
            operation="sign",
            key=key,
            hint=f"The file is {self._path(key)}.",
        )

    def _partial_file(self, key: str) -> _PartialFile:
        folder = (self._root / key).parent
        with _mapped_errors("upload", key):
            folder.mkdir(parents=True, exist_ok=True)
            _sweep_partial_files(folder)
            return _PartialFile(folder, key)

    def _spooled(self, key: str, content: BinaryIO) -> _PartialFile | None:
        """The file that `content` is, if it is a spool of the key's folder."""
        raw = getattr(content, "raw", None)
        if isinstance(raw, _PartialFile) and raw.path.parent == (self._root / key).parent:
            return raw
        return None

    def _path(self, key: str) -> Path:
        path = self._root / key
        return path if path.exists() else self._root / path.name


class _PartialFile(io.FileIO):
    """An object that has no key yet. Only its owner may read it; closing removes its own name."""

    def __init__(self, folder: Path, key: str) -> None:
        # known before the file is there, so that an interruption at any moment removes it
        self.path = folder / f"{_PARTIAL}{secrets.token_hex(8)}"
        self._key = key
        super().__init__(self.path, "x+b", opener=_open_for_owner)

    def write(self, content: ReadableBuffer, /) -> int:
        with _mapped_errors("upload", self._key):
            return super().write(content)

    def publish(self, path: Path) -> None:
        """Gives it the name `path` as well, once it is on the disk."""
        os.fsync(self.fileno())
        # a link is made whole or not at all, and never over an existing file
        os.link(self.path, path)

    def take_place_of(self, path: Path) -> None:
        """Gives it the name `path` in place of what has it, once it is on the disk."""
        os.fsync(self.fileno())
        self.path.replace(path)

    def close(self) -> None:
        if not self.closed:
            self.path.unlink(missing_ok=True)
        super().close()


def _files_of(path: Path) -> Iterator[Path]:
    """The file, or those of the folder and of the folders in it; what is being written is not there yet."""
    if path.name.startswith("."):
        return
    if path.is_dir():
        yield from (file for file in path.rglob("[!.]*") if file.is_file())
    elif path.is_file():
        yield path


def _sweep_partial_files(folder: Path) -> None:
    """Removes what writers that were killed left: nothing else would."""
    for path in folder.glob(f"{_PARTIAL}*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _PARTIAL_AGE_SECONDS:
                path.unlink()


def _stored_object(key: str, path: Path) -> StoredObject | None:
    """None where the file was deleted after its folder was read."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return StoredObject(key, status.st_size, dt.datetime.fromtimestamp(status.st_mtime, dt.UTC))


@contextmanager
def _mapped_errors(operation: str, key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as exc:
        raise ObjectNotFoundError(
            f"{key} is not there", operation=operation, key=key, hint=MISSING_OBJECT_HINT
        ) from exc
    except FileExistsError as exc:
        raise ObjectAlreadyExistsError(
            f"{key} exists already", operation=operation, key=key, hint=TAKEN_KEY_HINT
        ) from exc
    except PermissionError as exc:
        raise StoragePermissionError(
            f"Permission denied: {exc.filename}", operation=operation, key=key
        ) from exc
    except OSError as exc:
        kind = StorageUnavailableError if exc.errno is None else StorageError
        hint = "Free some space there, or name another folder." if exc.errno in NO_ROOM else None
        raise kind(f"{exc.strerror}: {key}", operation=operation, key=key, hint=hint) from exc
