"""Compare the definitions of a backup with those of another one, or of the database."""

from __future__ import annotations

from contextlib import closing

from supakeep.archive.reader import BackupReader
from supakeep.domain.definitions_diff import DefinitionsDiff, definition_changes
from supakeep.domain.definitions_script import DefinitionsScript, read_script
from supakeep.domain.plan import every_table
from supakeep.errors import InvalidRequestError
from supakeep.ports import Deadline, SourceDatabase
from supakeep.usecases.read_definitions import read_definitions

_OPERATION = "schema diff"


def diff_of_backups(
    before: BackupReader, after: BackupReader, deadline: Deadline
) -> DefinitionsDiff:
    """Raises InvalidRequestError where one of them has no definitions."""
    old, new = _stored(before, deadline), _stored(after, deadline)
    changes, same = definition_changes(old, new)
    return DefinitionsDiff(
        before=before.manifest.backup,
        after=after.manifest.backup,
        after_is_database=False,
        changes=tuple(changes),
        same=same,
        warnings=(*before.notices, *after.notices),
    )


def diff_with_database(
    before: BackupReader, database: SourceDatabase, place: str, deadline: Deadline
) -> DefinitionsDiff:
    """`place` is what a restore into `database` is confirmed with. Raises InvalidRequestError where
    the backup has no definitions, and ExportError where the database's cannot be had.
    """
    if not database.engine.gives_definitions:
        raise InvalidRequestError(
            "The Data API does not show definitions",
            operation=_OPERATION,
            key="SUPABASE_DB_URL",
            hint="Set SUPABASE_DB_URL, or name a second backup to compare with.",
        )
    old, new = _stored(before, deadline), _live(database)
    changes, same = definition_changes(old, new)
    return DefinitionsDiff(
        before=before.manifest.backup,
        after=place,
        after_is_database=True,
        changes=tuple(changes),
        same=same,
        warnings=before.notices,
    )


def _stored(reader: BackupReader, deadline: Deadline) -> DefinitionsScript:
    script = read_definitions(reader, deadline)
    if script is None:
        definitions = reader.manifest.definitions
        why = f": {definitions.problem.message}" if definitions and definitions.problem else ""
        raise InvalidRequestError(
            f"{reader.manifest.backup} has no definitions{why}",
            operation=_OPERATION,
            key=reader.manifest.backup,
            hint="Only backups that were made with SUPABASE_DB_URL have them. `supakeep diff` compares "
            "the rows and columns of any two.",
        )
    return script


def _live(database: SourceDatabase) -> DefinitionsScript:
    with database.snapshot(every_table) as snapshot, closing(snapshot.definitions()) as pieces:
        return read_script(b"".join(pieces).decode())
