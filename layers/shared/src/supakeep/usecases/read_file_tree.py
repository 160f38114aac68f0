"""Read the tree of files that belongs to a backup."""

from __future__ import annotations

from collections.abc import Iterator

from supakeep.archive.file_tree import TreeEntry, tree_entries
from supakeep.archive.reader import BackupReader
from supakeep.errors import InvalidRequestError
from supakeep.ports import Deadline


def read_file_tree(reader: BackupReader, deadline: Deadline) -> Iterator[TreeEntry]:
    """Its buckets, and then its files. The tree is checked before the first of them is given.

    Raises InvalidRequestError where the backup has none, DecryptionError, ChecksumError and StorageError.
    """
    files = reader.manifest.files
    if files is None or not files.tree:
        why = f": {files.problems[0].message}" if files and files.problems else ""
        raise InvalidRequestError(
            f"{reader.manifest.backup} holds no files{why}",
            operation="read files",
            key=reader.manifest.backup,
            hint="`supakeep show` says of each backup what it has. [backup.files] in supakeep.toml adds files.",
        )
    reader.decoder.require_identity()
    reader.check_volumes(files.tree, deadline)
    pieces = (piece for volume in files.tree for piece in reader.whole_content(volume))
    yield from tree_entries(pieces, files.tree[0].key)
