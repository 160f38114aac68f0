"""Read the definitions of a backup, object by object."""

from __future__ import annotations

from supakeep.archive.reader import BackupReader
from supakeep.domain.definitions_script import DefinitionsScript, read_script
from supakeep.ports import Deadline


def read_definitions(reader: BackupReader, deadline: Deadline) -> DefinitionsScript | None:
    """None where the backup has none. Raises as `require_identity` does for encrypted ones, and ChecksumError
    or StorageError where no store has them right.
    """
    definitions = reader.manifest.definitions
    if definitions is None or definitions.stored is None:
        return None
    reader.decoder.require_identity()
    reader.check_volumes([definitions.stored], deadline)
    return read_script(reader.definitions().decode())
