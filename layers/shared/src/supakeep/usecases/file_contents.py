"""The bytes of a file that a backup has, from the first copy that has its object right."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

from supakeep.archive.compression import UnreadableError
from supakeep.archive.damage import damaged
from supakeep.archive.file_tree import file_of
from supakeep.archive.reader import BackupReader
from supakeep.domain.file_key import FileKey
from supakeep.errors import ChecksumError, StorageError
from supakeep.ports import Deadline, ObjectStore
from supakeep.system import temporary_file
from supakeep.usecases.file_objects import fetch

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileContents:
    """What `reader` gives. It lies in files of this machine, and never in the folder of a store: what was
    encrypted there is in the clear here.
    """

    reader: BackupReader
    deadline: Deadline

    @contextmanager
    def open(self, fields: Mapping[str, Any]) -> Iterator[BinaryIO]:
        """The file of these fields of the tree, at its first byte. Raises the first store's error where no
        store has its object right, ChecksumError for one that does not hold it, and OSError.
        """
        file, key = file_of(fields), FileKey.parse(fields.get("key", ""))
        if key is None:
            raise StorageError(why_missing(fields), operation="restore", key=file.path)
        with temporary_file() as stored:
            self._fetch(key, stored)
            if not key.encoding:
                yield _whole(stored, file.path, file.size_bytes)
                return
            with temporary_file() as content:
                self._decode(key, stored, content)
                yield _whole(content, file.path, file.size_bytes)

    def _fetch(self, key: FileKey, spool: BinaryIO) -> None:
        first: StorageError | ChecksumError | None = None
        for store in self._stores():
            try:
                fetch(store, key, spool, self.deadline)
            except (StorageError, ChecksumError) as exc:
                log.info("%s is not right in %s", key, store.name, exc_info=True)
                first = first or exc
            else:
                return
        if first is not None:
            raise first

    def _stores(self) -> Sequence[ObjectStore]:
        """Those that got the files come first."""
        files = self.reader.manifest.files
        copies = files.copies if files else ()
        return sorted(self.reader.stores, key=lambda store: store.name not in copies)

    def _decode(self, key: FileKey, stored: BinaryIO, content: BinaryIO) -> None:
        stored.seek(0)
        decoder = self.reader.decoder
        try:
            with closing(decoder.file_content(key.encoding, _pieces(stored))) as pieces:
                content.writelines(pieces)
        except UnreadableError as exc:
            raise damaged(str(key), str(exc)) from exc


def why_missing(fields: Mapping[str, Any]) -> str:
    """Why the backup has no object for a file."""
    return f"the backup does not have it: {fields.get('missing') or 'it was not copied'}"


def _whole(content: BinaryIO, path: str, size_bytes: int | None) -> BinaryIO:
    """Raises ChecksumError where it has another size than the file had, as far as that is known."""
    if content.seek(0, 2) != size_bytes and size_bytes is not None:
        raise damaged(path, f"it has {content.tell():,} bytes, not {size_bytes:,}")
    content.seek(0)
    return content


def _pieces(file: BinaryIO) -> Generator[bytes, None, None]:
    yield from iter(partial(file.read, 1024 * 1024), b"")
