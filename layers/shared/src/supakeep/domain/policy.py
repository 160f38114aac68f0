"""Which tables are backed up, which of their rows, and how long backups are kept.

This is the content of `supakeep.toml`.
"""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from supakeep.domain.assertions import FILE_NAME
from supakeep.domain.copy_policy import CopyPolicy, require_different_names
from supakeep.domain.files_policy import FilesPolicy
from supakeep.domain.retention_policy import RetentionPolicy
from supakeep.domain.storage_policy import EncryptionPolicy, StoragePolicy
from supakeep.errors import ConfigurationError

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Mask = Literal["hash", "null"]
DEFAULT_SCHEMA = "public"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TablePolicy(_Strict):
    """Which rows of a table are backed up: all of them, the last N by a column, or those of the last N
    days. The values of `exclude_columns` never leave the database. Those of `mask` are stored as a keyed
    hash of their text, or as null.
    """

    last_rows: int | None = Field(default=None, gt=0)
    order_by: Name | None = None
    last_days: int | None = Field(default=None, gt=0)
    time_column: Name | None = None
    # a list of the file, and of a manifest
    exclude_columns: Annotated[tuple[Name, ...], Field(strict=False)] | None = None
    mask: dict[Name, Mask] | None = None

    def __hash__(self) -> int:
        """Listings keep equal policies once; a dictionary, as `mask` is, has no hash of its own."""
        window = (self.last_rows, self.order_by, self.last_days, self.time_column)
        return hash((*window, self.exclude_columns, frozenset((self.mask or {}).items())))

    @model_validator(mode="after")
    def _one_window(self) -> Self:
        if self.last_rows is not None and self.last_days is not None:
            raise ValueError("takes last_rows or last_days, not both")
        if (self.last_rows is None) != (self.order_by is None):
            raise ValueError("last_rows and order_by go together")
        if (self.last_days is None) != (self.time_column is None):
            raise ValueError("last_days and time_column go together")
        return self

    @model_validator(mode="after")
    def _keeps_its_window(self) -> Self:
        for column in self.columns:
            if column in self.excluded:
                raise ValueError(f"{column} chooses the rows, so exclude_columns cannot name it")
            if column in self.masked:
                raise ValueError(f"{column} chooses the rows, so mask cannot name it")
        return self

    @model_validator(mode="after")
    def _masks_what_it_has(self) -> Self:
        for column in self.masked:
            if column in self.excluded:
                raise ValueError(f"{column} is in exclude_columns and in mask; it can be in one")
        return self

    @property
    def excluded(self) -> tuple[str, ...]:
        """The columns that are left out."""
        return self.exclude_columns or ()

    @property
    def masked(self) -> tuple[str, ...]:
        """The columns of which only a mask is stored."""
        return tuple(self.mask or ())

    @property
    def hashed(self) -> tuple[str, ...]:
        return tuple(name for name, mask in (self.mask or {}).items() if mask == "hash")

    @property
    def nulled(self) -> tuple[str, ...]:
        return tuple(name for name, mask in (self.mask or {}).items() if mask == "null")

    @property
    def unread(self) -> tuple[str, ...]:
        """The columns whose values never leave the database."""
        return (*self.excluded, *self.nulled)

    @property
    def withheld(self) -> tuple[str, ...]:
        """The columns whose values a backup does not hold, so that a restore cannot bring them back."""
        return (*self.excluded, *self.masked)

    def reading_no_masked(self) -> TablePolicy:
        """The same rows without any column that is withheld."""
        return self.model_copy(update={"exclude_columns": self.withheld or None, "mask": None})

    @property
    def is_whole(self) -> bool:
        return self.last_rows is None and self.last_days is None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the policy itself names."""
        return tuple(name for name in (self.order_by, self.time_column) if name is not None)

    def __str__(self) -> str:
        left_out = f", without {', '.join(self.excluded)}" if self.excluded else ""
        masks = ", ".join(f"{name} ({mask})" for name, mask in (self.mask or {}).items())
        return self._rows + left_out + (f", masked {masks}" if masks else "")

    @property
    def _rows(self) -> str:
        if self.last_rows is not None:
            return f"last {self.last_rows:,} by {self.order_by}"
        if self.last_days is not None:
            return f"last {self.last_days} days by {self.time_column}"
        return "all"


class NamedTablePolicy(TablePolicy):
    """A `[[table]]` entry; `name` is `table` (in public) or `schema.table`."""

    name: Name

    @property
    def qualified_name(self) -> str:
        return self.name if "." in self.name else f"{DEFAULT_SCHEMA}.{self.name}"

    @property
    def policy(self) -> TablePolicy:
        return TablePolicy(**self.model_dump(exclude={"name"}))


class TablePatterns(_Strict):
    """The `[backup]` entry: the tables of `schemas` that match `tables` and do not match `exclude`.

    The patterns are shell patterns (`*`, `?`, `[…]`), compared with `table` and `schema.table`.
    With `auth`, the users are taken too, by the engine that sees them. `files` are those of Storage.
    """

    tables: list[Name] = []
    exclude: list[Name] = []
    schemas: list[Name] = [DEFAULT_SCHEMA]
    auth: bool = True
    files: FilesPolicy = FilesPolicy()

    @field_validator("tables", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    def includes(self, schema: str, table: str) -> bool:
        names = (table, f"{schema}.{table}")
        chosen = matches_any(names, self.tables) and not self.excludes(*names)
        return schema in self.schemas and chosen

    def excludes(self, *names: str) -> bool:
        return matches_any(names, self.exclude)


class AlarmPolicy(_Strict):
    """When a backup is not believed: `shrink` is the share of its rows that a table may lose from one
    backup to the next. The tables that match a pattern of `may_shrink` may lose all.
    """

    shrink: Annotated[float, Field(ge=0, le=1)] = 0.5
    may_shrink: list[Name] = []


class DrillPolicy(_Strict):
    """The `[drill]` entry: `assertions` is the file, beside `supakeep.toml`, of what must hold of restored
    rows.
    """

    assertions: Annotated[Name, Field(pattern=r"^[^/\\]+$")] = FILE_NAME


class BackupPolicy(_Strict):
    """All of `supakeep.toml`."""

    table: list[NamedTablePolicy] = []
    backup: TablePatterns = TablePatterns()
    retention: RetentionPolicy = RetentionPolicy()
    alarms: AlarmPolicy = AlarmPolicy()
    storage: StoragePolicy = StoragePolicy()
    encryption: EncryptionPolicy = EncryptionPolicy()
    drill: DrillPolicy = DrillPolicy()
    # `copy` is a method of pydantic's
    copies: list[CopyPolicy] = Field(default=[], alias="copy")

    @model_validator(mode="after")
    def _names_tables_once(self) -> Self:
        names = [entry.qualified_name for entry in self.table]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"table {twice[0]} has two [[table]] entries")
        if not self.table and not self.backup.tables:
            raise ValueError('nothing is backed up: add [[table]] entries or [backup] tables = "*"')
        return self

    @model_validator(mode="after")
    def _names_copies_once(self) -> Self:
        require_different_names(self.copies)
        return self

    @property
    def own_retention(self) -> dict[str, RetentionPolicy]:
        """The rules of the copies that have their own, by their names."""
        return {copy.name: copy.retention for copy in self.copies if copy.retention is not None}

    def with_copies(self, copies: Iterable[CopyPolicy]) -> Self:
        """The policy with further copies. Raises ConfigurationError where one has another's name."""
        together = [*self.copies, *copies]
        try:
            require_different_names(together)
        except ValueError as exc:
            raise _unreadable("COPIES", str(exc)) from exc
        return self.model_copy(update={"copies": together})

    @classmethod
    def of_tables(cls, names: Iterable[str]) -> BackupPolicy:
        """Only these tables, whole; names are qualified. No other table counts as uncovered, and
        users are taken by name only.
        """
        return cls._only([NamedTablePolicy(name=name) for name in names])

    @classmethod
    def _only(cls, tables: list[NamedTablePolicy]) -> BackupPolicy:
        return cls(table=tables, backup=TablePatterns(exclude=["*"], auth=False))

    def for_tables(self, names: Iterable[str]) -> BackupPolicy:
        """As `of_tables`, stored as this policy says, and without the columns that it excludes or masks."""
        withheld = {entry.qualified_name: entry.withheld for entry in self.table}
        tables = [
            NamedTablePolicy(name=name, exclude_columns=withheld.get(name) or None)
            for name in names
        ]
        stored = {"storage": self.storage, "encryption": self.encryption}
        return BackupPolicy._only(tables).model_copy(update=stored)

    def encrypted_at_least_to(self, recipients: Sequence[str]) -> BackupPolicy:
        """This policy; where it names no recipients, with these."""
        if self.encryption.recipients:
            return self
        encryption = EncryptionPolicy(recipients=list(recipients))
        return self.model_copy(update={"encryption": encryption})

    @classmethod
    def of_every_table(cls) -> BackupPolicy:
        """Every table of `public`, whole."""
        return cls(backup=TablePatterns(tables=["*"]))

    @classmethod
    def parse(cls, text: str, source: str = "supakeep.toml") -> BackupPolicy:
        """Reads the text of the file. Raises ConfigurationError, which names the wrong entry and says why
        it is wrong.
        """
        try:
            return cls.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as exc:
            raise _unreadable(source, f"is not valid TOML: {exc}") from exc
        except ValidationError as exc:
            raise _unreadable(source, _first_problem(exc)) from exc


def matches_any(names: Iterable[str], patterns: Iterable[str]) -> bool:
    """Whether one of the names matches one of these shell patterns."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns for name in names)


def _first_problem(exc: ValidationError) -> str:
    problem = exc.errors(include_url=False)[0]
    # people count the entries of a list from 1
    where = ".".join(str(p + 1) if isinstance(p, int) else str(p) for p in problem["loc"])
    what = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        return f"{where} is not a key that Supakeep knows"
    return f"{where}: {what}" if where else what


def _unreadable(source: str, problem: str) -> ConfigurationError:
    return ConfigurationError(
        f"{source}: {problem}",
        operation="read configuration",
        key=source,
        hint="docs/configuration.md lists every key with an example.",
    )
