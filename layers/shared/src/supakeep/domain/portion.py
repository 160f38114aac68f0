"""The part of a backup that one drill proves, where the backup is too large for one."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from supakeep.domain.manifest import Manifest, TableEntry, TableStatus


class _Recorded(BaseModel):
    # a later version may record more
    model_config = ConfigDict(frozen=True, extra="ignore")


class DrilledTable(_Recorded):
    """A table of the portion: `rows` of its `of_rows` rows, which take `bytes` of the document. `volumes`
    are those that a sample was taken from, by their numbers; a table that was drilled whole has none.
    """

    name: str
    rows: NonNegativeInt
    of_rows: NonNegativeInt
    bytes: NonNegativeInt
    volumes: tuple[NonNegativeInt, ...] = ()

    @classmethod
    def whole(cls, entry: TableEntry) -> DrilledTable:
        return cls(name=entry.name, rows=entry.rows, of_rows=entry.rows, bytes=entry.bytes)

    @property
    def is_sample(self) -> bool:
        return bool(self.volumes)


class Portion(_Recorded):
    """The tables that a drill restores of a backup, and `why` not all of them.

    With this drill, if it proves them, no drill of the backup has shown the tables `left`, and none has
    shown more than a sample of the tables `sampled`; the other ones of its `of_tables` are proven whole.
    `not_asked` are the assertions that need a table which this drill does not have whole.
    """

    tables: tuple[DrilledTable, ...]
    why: str
    of_tables: NonNegativeInt
    left: tuple[str, ...] = ()
    sampled: tuple[str, ...] = ()
    not_asked: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(table.name for table in self.tables)

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def completes(self) -> bool:
        """Whether this drill and those before it have proven every table whole."""
        return not self.left and not self.sampled

    def __str__(self) -> str:
        """Such as `2 of 7 tables (4 still to be drilled)`."""
        whole = sum(not table.is_sample for table in self.tables)
        what = f"{whole:,} of {self.of_tables:,} tables" if whole else "a sample of "
        if not whole:
            what += ", ".join(
                f"{t.name}: {t.rows:,} of {t.of_rows:,} rows, from {_numbers(t.volumes)}"
                for t in self.tables
            )
        return f"{what} ({self.rest or 'all are proven by now'})"

    @property
    def rest(self) -> str:
        """What is not proven of the backup's tables, such as `4 still to be drilled`; empty for nothing."""
        rest = [
            *([f"{len(self.left):,} still to be drilled"] if self.left else []),
            *([f"{len(self.sampled):,} drilled by sample only"] if self.sampled else []),
        ]
        return ", ".join(rest)

    def without_details(self) -> Portion:
        """With so many tables as a run's record has room for."""
        return self.model_copy(
            update={
                "tables": self.tables[:200],
                "left": self.left[:500],
                "sampled": self.sampled[:500],
                "not_asked": self.not_asked[:50],
            }
        )


def complete_tables(manifest: Manifest) -> tuple[TableEntry, ...]:
    """The tables that a drill can prove."""
    return tuple(entry for entry in manifest.tables if entry.status is TableStatus.COMPLETE)


def _numbers(volumes: tuple[int, ...]) -> str:
    first, last = volumes[0], volumes[-1]
    return f"volume {first}" if first == last else f"volumes {first} to {last}"
