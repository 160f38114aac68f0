"""Which runs are compared with which, and the targets: the lines of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench.figures import Figure, figure_of
from bench.measure import Rounds

BACKUP, RESTORE, REPAIR = "supakeep backup", "supakeep restore, empty", "supakeep restore, 1 %"
ZSTD, ENCRYPTED = "supakeep backup, zstd", "supakeep backup, zstd and age"
DRILL, BY_HAND = "supakeep drill", "initdb, pg_restore and pg_dump"
DEFINITIONS, SCHEMA_ONLY = "supakeep backup, many tables", "pg_dump --schema-only"
FILES, FILES_AGAIN = "supakeep backup, many files", "supakeep backup, 1 % of the files changed"
COPY, COPY_AGAIN = "rclone copy", "rclone copy, 1 % of the files changed"
SMALL_BACKUP, SMALL_RESTORE = "supakeep backup, a tenth", "supakeep restore, a tenth"
REST_BACKUP, LOOP = "supakeep backup, rest", "supabase-py loop"
REST_WINDOW = "supakeep backup, rest, last rows"
CUSTOM, DIRECTORY = "pg_dump -Fc", "pg_dump -Fd -j2 -Z gzip:1"
REFILL, REBUILD = "pg_restore --data-only", "pg_restore --clean -j2"
LIST_MANY, PRUNE_MANY = "supakeep list, thousands", "supakeep prune, thousands"
# how many times larger the largest database is than the smallest
TIMES = 10
# which part of the large table a window takes
WINDOW = 30


def import_of(function: str) -> str:
    """The contender that imports this function's handler."""
    return f"cold import, {function} function's handler"


def figures(rounds: Rounds, rows: int) -> list[Figure]:
    """The table's lines, as far as their runs were measured; `rows` is the size of the largest table."""
    comparisons = [*_comparisons(rounds), *_stored(rounds)]
    measured = [one.figure() for one in comparisons if rounds.has(one.ours, one.rival)]
    return measured + _peak_memory(rounds, rows) + _many(rounds) + _imports(rounds)


@dataclass(frozen=True)
class _Comparison:
    """One line: `values` gives what was measured of a contender's runs."""

    name: str
    ours: str
    rival: str
    values: Callable[[str], list[float]]
    unit: str
    target: float | None = None

    def figure(self) -> Figure:
        ours, rival = self.values(self.ours), self.values(self.rival)
        return figure_of(self.name, ours, rival, self.unit, self.target)


def _comparisons(rounds: Rounds) -> list[_Comparison]:
    time, memory, wal = rounds.seconds, rounds.peak_mb, rounds.wal_mb
    window = f"window of a large table (1/{WINDOW}), rest engine / all of it"
    rest, refill = f"backup, rest engine / {LOOP}", f"restore into empty tables / {REFILL}"
    return [
        _Comparison(f"backup / {CUSTOM}", BACKUP, CUSTOM, time, "s", 0.40),
        _Comparison(f"backup / {DIRECTORY}", BACKUP, DIRECTORY, time, "s", 1.0),
        _Comparison(rest, REST_BACKUP, LOOP, time, "s", 0.5),
        _Comparison("the same: peak memory", REST_BACKUP, LOOP, memory, "MB", 0.2),
        _Comparison(window, REST_WINDOW, REST_BACKUP, time, "s", 0.25),
        _Comparison(refill, RESTORE, REFILL, time, "s", 0.6),
        _Comparison(f"restore, 1 % differs / {REBUILD}", REPAIR, REBUILD, time, "s", 0.5),
        _Comparison("the same: WAL written", REPAIR, REBUILD, wal, "MB", 0.05),
        _Comparison("drill / backup", DRILL, BACKUP, time, "s", 2.5),
        _Comparison("the same: peak memory", DRILL, BACKUP, memory, "MB"),
        _Comparison(f"drill / {BY_HAND}", DRILL, BY_HAND, time, "s", 1.5),
        _Comparison(
            f"backup of many tables without rows / {SCHEMA_ONLY}",
            DEFINITIONS,
            SCHEMA_ONLY,
            time,
            "s",
        ),
        _Comparison(f"backup of many files, first run / {COPY}", FILES, COPY, time, "s"),
        _Comparison("the same: peak memory", FILES, COPY, memory, "MB"),
        _Comparison(
            "backup of many files, 1 % changed / rclone copy", FILES_AGAIN, COPY_AGAIN, time, "s"
        ),
    ]


def _stored(rounds: Rounds) -> list[_Comparison]:
    time, stored = rounds.seconds, rounds.stored_mb
    bytes_stored = "the same: bytes stored"
    return [
        _Comparison(f"backup, zstd:1 / {DIRECTORY}", ZSTD, DIRECTORY, time, "s", 1.1),
        _Comparison(bytes_stored, ZSTD, DIRECTORY, stored, "MB", 1.0),
        _Comparison(f"backup, zstd:1 / {CUSTOM}", ZSTD, CUSTOM, time, "s"),
        _Comparison(bytes_stored, ZSTD, CUSTOM, stored, "MB"),
        _Comparison(f"backup, zstd:1 and age / {CUSTOM}", ENCRYPTED, CUSTOM, time, "s"),
        _Comparison(bytes_stored, ENCRYPTED, CUSTOM, stored, "MB"),
        _Comparison("backup, zstd:1 and age / plain backup", ENCRYPTED, BACKUP, time, "s"),
        _Comparison(bytes_stored, ENCRYPTED, BACKUP, stored, "MB"),
    ]


def _peak_memory(rounds: Rounds, rows: int) -> list[Figure]:
    if not rounds.has(BACKUP, RESTORE, SMALL_BACKUP, SMALL_RESTORE):
        return []
    memory = rounds.peak_mb
    # backups that are also compared with compressed ones ran more often than the restores
    many = [max(pair) for pair in zip(memory(BACKUP), memory(RESTORE), strict=False)]
    few = [max(pair) for pair in zip(memory(SMALL_BACKUP), memory(SMALL_RESTORE), strict=True)]
    name = f"peak memory, backup and restore, {rows:,} rows / {rows // TIMES:,} rows"
    return [figure_of(name, many, few, "MB", 1.1, most=200)]


def _many(rounds: Rounds) -> list[Figure]:
    names = {"list thousands of backups": LIST_MANY, "prune thousands of backups": PRUNE_MANY}
    return [
        Figure(name, median(rounds.seconds(contender)), None, "s", None, most=20)
        for name, contender in names.items()
        if rounds.has(contender)
    ]


def _imports(rounds: Rounds) -> list[Figure]:
    return [
        Figure(name, median(rounds.seconds(name)), None, "s", None, most=0.40, parts=parts)
        for name, parts in rounds.parts.items()
    ]
