"""The definitions of a backup in the database of a drill: around its rows, and what does not fit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from supakeep.archive.reader import BackupReader
from supakeep.domain.definitions_script import Definition, DefinitionsScript
from supakeep.domain.drill import NotProven
from supakeep.domain.manifest import Manifest, TableStatus
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.rebuild import NotRebuilt, RefusedByRows
from supakeep.domain.schema import unquoted
from supakeep.domain.users import holds_users
from supakeep.ports import Deadline, ScratchDatabase
from supakeep.usecases.read_definitions import read_definitions

# made between two looks at the time
_AT_ONCE = 50
# of the same kind, beyond which they are only counted: the ledger is kept for long
_MOST_NAMED = 10
_RESTS_ON_ROWS = "foreign keys, checks, defaults, indexes, triggers and policies"
_PARENT = re.compile(r'REFERENCES ("(?:[^"]|"")+"|[^."(\s]+)\.("(?:[^"]|"")+"|[^."(\s]+)')


@dataclass
class DrillDefinitions:
    """Makes the definitions of `reader` in `scratch`. `refused` is what the rows violate; `not_proven` is what this
    server cannot make.
    """

    reader: BackupReader
    scratch: ScratchDatabase
    deadline: Deadline
    refused: list[Problem] = field(default_factory=list)
    not_proven: list[NotProven] = field(default_factory=list)
    _script: DefinitionsScript = field(default_factory=DefinitionsScript)
    _failed: Counter[str] = field(default_factory=Counter)

    def before_rows(self, *, whole: bool) -> bool:
        """Makes what rows need; returns whether it may make anything. Where only a portion of the backup is drilled
        (not `whole`), for example, nothing is made.

        Raises IntegrityError for damaged definitions.
        """
        why = _why_not(self.reader.manifest, self.scratch, whole=whole)
        if why is not None:
            self.not_proven.append(NotProven(what=_RESTS_ON_ROWS, why=why))
            return False
        self._script = read_definitions(self.reader, self.deadline) or DefinitionsScript()
        users = [e.table for e in self.reader.manifest.tables if holds_users(e.table)]
        self.scratch.stand_in(users)
        self._make(self._script.before_rows)
        return True

    def after_rows(self) -> int:
        """Makes what rests on rows; returns how many objects were made in all."""
        self._make(self._script.after_rows)
        self.not_proven += _counted(self._failed)
        refused = len(self.refused) + self._failed.total()
        return len(self._script.definitions) - refused

    def _make(self, definitions: Sequence[Definition]) -> None:
        for start in range(0, len(definitions), _AT_ONCE):
            self.deadline.check()
            made = definitions[start : start + _AT_ONCE]
            by_name = {str(definition): definition for definition in made}
            for problem in self.scratch.make(made, self._script.settings):
                self._note(problem, by_name.get(problem.what))

    def _note(self, problem: NotRebuilt, definition: Definition | None) -> None:
        if isinstance(problem, RefusedByRows):
            if definition is None or self._has_every_row(definition):
                self.refused.append(_violated(problem))
                return
            why = f"not every row of the table that it refers to is there: {problem.rule}"
        else:
            why = problem.why
        kind = definition.kind.lower() if definition else "grant"
        self._failed[kind] += 1
        if self._failed[kind] <= _MOST_NAMED:
            self.not_proven.append(NotProven(what=problem.what, why=why))

    def _has_every_row(self, definition: Definition) -> bool:
        """Whether all rows that this could refer to were restored."""
        parent = _PARENT.search(definition.sql)
        if parent is None:
            return True
        name = tuple(unquoted(part) if part.startswith('"') else part for part in parent.groups())
        return name in _whole_tables(self.reader.manifest)


def _why_not(manifest: Manifest, scratch: ScratchDatabase, *, whole: bool) -> str | None:
    """Why the tables are made as the manifest describes them."""
    definitions = manifest.definitions
    if definitions is None or definitions.stored is None:
        problem = definitions.problem if definitions else None
        return problem.message if problem else "the backup has rows and columns, and no definitions"
    if withheld := _withheld(manifest):
        return f"the backup has no values of {withheld}, and the definitions may demand them"
    if not whole:
        return "only some of the tables are drilled, and definitions need all of them"
    if not scratch.takes_definitions:
        return "they can be made only in a database of its own, with the roles of Supabase"
    return None


def _withheld(manifest: Manifest) -> str | None:
    """A column whose values the policy keeps out of the backup."""
    columns = (
        f"{entry.name}.{name}" for entry in manifest.tables for name in entry.policy.withheld
    )
    return next(columns, None)


def _whole_tables(manifest: Manifest) -> set[tuple[str, str]]:
    return {
        (entry.table.schema_name, entry.table.name)
        for entry in manifest.tables
        if entry.status is TableStatus.COMPLETE and entry.policy.is_whole
    }


def _violated(problem: RefusedByRows) -> Problem:
    return Problem(
        message=f"The rows do not fit {problem.what}: {problem.rule}",
        hint="A rebuild would report the same. Look at these rows in the database: its constraint is as strict.",
    )


def _counted(failed: Counter[str]) -> Iterator[NotProven]:
    for kind, count in sorted(failed.items()):
        if count > _MOST_NAMED:
            what = f"{count - _MOST_NAMED} more objects of the kind {kind}"
            yield NotProven(what=what, why="this server cannot make them either")
