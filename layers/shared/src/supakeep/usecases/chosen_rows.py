"""The rows of a backup that a restore was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from supakeep.archive.layout import split_rows
from supakeep.archive.reader import BackupReader
from supakeep.domain.batches import batches
from supakeep.domain.manifest import TableEntry
from supakeep.domain.restore import RestoreRequest, matches
from supakeep.domain.row_changes import text_of, tokens_of
from supakeep.domain.users import USERS, holds_users, owner_column
from supakeep.errors import ChecksumError, InvalidRequestError
from supakeep.usecases.stored_rows import stored_rows

BATCH_ROWS = 1000
BATCH_BYTES = 1024 * 1024
# Foreign keys are checked at the end of a statement: in a table that refers to itself, the more rows
# stand in one, the fewer are refused because the row that they refer to comes later.
TREE_BATCH_ROWS = 50_000
TREE_BATCH_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class ChosenRows:
    """Reads them from the backup's copies, table by table."""

    reader: BackupReader
    request: RestoreRequest

    @cached_property
    def _user_ids(self) -> frozenset[str]:
        """Those of the users that are meant. Raises InvalidRequestError for one that is not there."""
        asked = {who.casefold() for who in self.request.some_users}
        found, ids = set[str](), set[str]()
        entry = self.reader.manifest.entry(USERS)
        for part in entry.parts if entry else ():
            for rows in split_rows(self.reader.read_part(part)):
                for user in map(tokens_of, rows):
                    names = {user_id := text_of(user["id"]), text_of(user.get("email", "null"))}
                    known = {name.casefold() for name in names if name}
                    if user_id and known & asked:
                        found |= known
                        ids.add(user_id)
        if unknown := sorted(asked - found):
            raise _no_user(self.reader.manifest.backup, unknown[0])
        return frozenset(ids)

    def _filter(self, entry: TableEntry) -> Callable[[bytes], bool] | None:
        """What says whether a row is chosen; None where all are."""
        if self.request.users is not None and holds_users(entry.table):
            owner = owner_column(entry.table)
            if owner is None or not self.request.some_users:
                return None
            ids = self._user_ids
            return lambda row: text_of(tokens_of(row).get(owner, "null")) in ids
        where = self.request.where
        return None if where is None else partial(_matches, where)

    def of(self, entry: TableEntry) -> Iterator[list[bytes]]:
        """The chosen rows of one table in batches, in the order of the backup.

        Raises ChecksumError, after the last row, where the backup holds more or fewer rows of the
        table than its manifest says.
        """
        is_tree = entry.name in entry.references
        return batches(
            self._chosen(entry),
            most_rows=TREE_BATCH_ROWS if is_tree else BATCH_ROWS,
            most_bytes=TREE_BATCH_BYTES if is_tree else BATCH_BYTES,
        )

    def _chosen(self, entry: TableEntry) -> Iterator[list[bytes]]:
        is_chosen, found = self._filter(entry), 0
        for rows in stored_rows(self.reader, entry):
            found += len(rows)
            yield rows if is_chosen is None else list(filter(is_chosen, rows))
        if found != entry.rows:
            raise ChecksumError(
                f"{self.reader.manifest.backup} holds {found:,} rows of {entry.name}, and its manifest "
                f"says {entry.rows:,}",
                operation="restore",
                key=entry.name,
                hint="Restore this table from another backup.",
            )


def _matches(where: Mapping[str, str], row: bytes) -> bool:
    return matches(row, where)


def _no_user(backup: str, who: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{backup} has no user {who}",
        operation="restore",
        key=USERS,
        hint="Give the ID of a user, or the e-mail address as it was then. "
        "Users without an address have only an ID.",
    )
