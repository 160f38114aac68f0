"""The measurements, in the order of the table."""

from __future__ import annotations

from functools import partial

from bench.contenders import supabase_loop
from bench.figures import Figure, figure_of
from bench.jewelshot import TABLES
from bench.laboratory import Bench, Laboratory, Size
from bench.measure import Rounds

BACKUP, RESTORE, REPAIR = "supakeep backup", "supakeep restore, empty", "supakeep restore, 1 %"
SMALL_BACKUP, SMALL_RESTORE = "supakeep backup, a tenth", "supakeep restore, a tenth"
REST_BACKUP, LOOP = "supakeep backup, rest", "supabase-py loop"
REST_WINDOW = "supakeep backup, rest, last rows"
# how many times larger the largest database is than the smallest
TIMES = 10
# which part of the large table a window takes
WINDOW = 30


def measure_all(laboratory: Laboratory, rounds: Rounds, size: Size) -> list[Figure]:
    """Runs everything and returns the figures."""
    rounds.tell(f"{size.rows:,} transactions in Postgres")
    with laboratory.bench(size.rows) as bench:
        rounds.tell(bench.database.version)
        measure_backups(bench, rounds)
        measure_restores(bench, rounds)
        measure_repairs(bench, rounds, size)
    rounds.tell(f"{size.rows // TIMES:,} transactions in Postgres")
    with laboratory.bench(size.rows // TIMES) as bench:
        measure_small(bench, rounds)
    rounds.tell(f"{size.rest_rows:,} transactions behind the Data API")
    with laboratory.bench(size.rest_rows, rest=True) as bench:
        measure_rest(bench, rounds)
    return figures(rounds, size)


def measure_backups(bench: Bench, rounds: Rounds) -> None:
    """Each backs up the same rows; the last backup and dumps stay for the restores."""
    rounds.run(bench.supakeep.backup(BACKUP), bench.pg_dump.custom(), bench.pg_dump.directory())


def measure_restores(bench: Bench, rounds: Rounds) -> None:
    """All rows into empty tables that have their indexes and keys."""
    rounds.run_unmeasured(bench.pg_dump.rows())
    empty = bench.database.empty
    rounds.run(
        bench.supakeep.restore(RESTORE, empty),
        bench.pg_dump.restore_rows(empty),
        wal_bytes=bench.database.wal_bytes,
        check=bench.database.check,
    )


def measure_repairs(bench: Bench, rounds: Rounds, size: Size) -> None:
    """All rows are there, and 1 % of them differ from the backup."""
    damage = partial(bench.database.damage, checkpoint=size.checkpoint)
    rounds.run(
        bench.supakeep.restore(REPAIR, damage),
        bench.pg_dump.restore_all(damage),
        wal_bytes=bench.database.wal_bytes,
        check=bench.database.check,
    )


def measure_small(bench: Bench, rounds: Rounds) -> None:
    """A tenth of the rows, for the sake of the memory."""
    rounds.run(bench.supakeep.backup(SMALL_BACKUP))
    restore = bench.supakeep.restore(SMALL_RESTORE, bench.database.empty)
    rounds.run(restore, check=bench.database.check)


def measure_rest(bench: Bench, rounds: Rounds) -> None:
    """Through the Data API, the same server for all."""
    ours = bench.supakeep.backup(REST_BACKUP)
    loop = supabase_loop(LOOP, bench.folder / "loop.json", TABLES, bench.supakeep.address)
    window = bench.supakeep.backup(REST_WINDOW, window_policy(bench.database.rows // WINDOW))
    rounds.run(ours, loop, window)


def window_policy(rows: int) -> str:
    """The newest transactions only, as the default policy takes them."""
    return f'[[table]]\nname = "credit_transactions"\nlast_rows = {rows}\norder_by = "created_at"\n'


def figures(rounds: Rounds, size: Size) -> list[Figure]:
    """The table's lines from all runs."""
    time, memory, wal = rounds.seconds, rounds.peak_mb, rounds.wal_mb
    custom, directory = "pg_dump -Fc", "pg_dump -Fd -j2 -Z gzip:1"
    refill, rebuild = "pg_restore --data-only", "pg_restore --clean -j2"
    many = [max(pair) for pair in zip(memory(BACKUP), memory(RESTORE), strict=True)]
    few = [max(pair) for pair in zip(memory(SMALL_BACKUP), memory(SMALL_RESTORE), strict=True)]
    window = f"window of a large table (1/{WINDOW}), rest engine / all of it"
    peak = f"peak memory, backup and restore, {size.rows:,} rows / {size.rows // TIMES:,} rows"
    return [
        figure_of(f"backup / {custom}", time(BACKUP), time(custom), "s", 0.40),
        figure_of(f"backup / {directory}", time(BACKUP), time(directory), "s", 1.0),
        figure_of(f"backup, rest engine / {LOOP}", time(REST_BACKUP), time(LOOP), "s", 0.5),
        figure_of("the same: peak memory", memory(REST_BACKUP), memory(LOOP), "MB", 0.2),
        figure_of(window, time(REST_WINDOW), time(REST_BACKUP), "s", 0.25),
        figure_of(f"restore into empty tables / {refill}", time(RESTORE), time(refill), "s", 1.0),
        figure_of(f"restore, 1 % differs / {rebuild}", time(REPAIR), time(rebuild), "s", 1.0),
        figure_of("the same: WAL written", wal(REPAIR), wal(rebuild), "MB", 0.05),
        figure_of(peak, many, few, "MB", 1.1, most=200),
    ]
