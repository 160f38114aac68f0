"""The measurements, in the order of the table."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from functools import partial

from bench.cold_start import FUNCTIONS, BuiltHandlers, build_handlers
from bench.comparisons import (
    BACKUP,
    COPY,
    COPY_AGAIN,
    DEFINITIONS,
    DRILL,
    ENCRYPTED,
    FILES,
    FILES_AGAIN,
    LIST_MANY,
    LOOP,
    PRUNE_MANY,
    REPAIR,
    REST_BACKUP,
    REST_WINDOW,
    RESTORE,
    SMALL_BACKUP,
    SMALL_RESTORE,
    TIMES,
    WINDOW,
    ZSTD,
    import_of,
)
from bench.contenders import COMPRESSED, supabase_loop
from bench.files import ManyFiles
from bench.jewelshot import TABLES
from bench.laboratory import Bench, Laboratory, Size
from bench.measure import Rounds
from supakeep.archive.encryption import new_identity


class Phase(StrEnum):
    """What can be measured without the rest."""

    BACKUP = "backup"
    RESTORE = "restore"
    REPAIR = "repair"
    STORED = "stored"
    DRILL = "drill"
    MEMORY = "memory"
    REST = "rest"
    MANY = "many"
    DEFINITIONS = "definitions"
    FILES = "files"
    START = "start"


# an import is short, so it is measured more often
IMPORTS = 3
# memory compares a small backup and restore with large ones
_NEEDS = {Phase.MEMORY: {Phase.BACKUP, Phase.RESTORE}}


def with_needed(chosen: Collection[Phase]) -> set[Phase]:
    """The chosen phases and those whose runs they are compared with."""
    return set(chosen).union(*(_NEEDS.get(phase, set()) for phase in chosen))


def measure_all(
    laboratory: Laboratory, rounds: Rounds, size: Size, chosen: Collection[Phase] = tuple(Phase)
) -> None:
    """Runs the chosen phases and those that they need."""
    phases = with_needed(chosen)
    if phases & {Phase.BACKUP, Phase.RESTORE, Phase.REPAIR, Phase.STORED, Phase.DRILL}:
        measure_postgres(laboratory, rounds, size, phases)
    if Phase.MEMORY in phases:
        rounds.tell(f"{size.rows // TIMES:,} transactions in Postgres")
        with laboratory.bench(size.rows // TIMES) as bench:
            measure_small(bench, rounds)
    if Phase.REST in phases:
        rounds.tell(f"{size.rest_rows:,} transactions behind the Data API")
        with laboratory.bench(size.rest_rows, rest=True) as bench:
            measure_rest(bench, rounds)
    if Phase.MANY in phases:
        rounds.tell(f"{size.backups:,} backups in a store")
        with laboratory.many_backups(size.backups) as many:
            rounds.run(many.listing(LIST_MANY), many.prune(PRUNE_MANY))
    if Phase.DEFINITIONS in phases:
        rounds.tell(f"{size.tables:,} tables without rows")
        with laboratory.many_tables(size.tables) as bench:
            rounds.run(bench.supakeep.backup(DEFINITIONS), bench.pg_dump.definitions())
    if Phase.FILES in phases:
        rounds.tell(f"{size.files:,} files in Storage")
        with laboratory.many_files(size.files) as files:
            measure_files(files, rounds)
    if Phase.START in phases:
        measure_imports(build_handlers(quick=size.quick), rounds)


def measure_postgres(
    laboratory: Laboratory, rounds: Rounds, size: Size, phases: Collection[Phase]
) -> None:
    """The phases that work on the large database."""
    rounds.tell(f"{size.rows:,} transactions in Postgres")
    with laboratory.bench(size.rows) as bench:
        rounds.tell(bench.database.version)
        if Phase.BACKUP in phases:
            measure_backups(bench, rounds)
        elif {Phase.RESTORE, Phase.REPAIR}.intersection(phases):
            make_backups(bench, rounds)
        if Phase.RESTORE in phases:
            measure_restores(bench, rounds)
        if Phase.REPAIR in phases:
            measure_repairs(bench, rounds, size)
        if Phase.STORED in phases:
            measure_stored(bench, rounds)
        if Phase.DRILL in phases:
            measure_drills(bench, rounds)


def measure_files(files: ManyFiles, rounds: Rounds) -> None:
    """All of them, into empty places; and then those that were changed since."""
    rounds.run(files.first_backup(FILES), files.rclone.first_copy(COPY))
    files.change()
    rounds.once(files.next_backup(FILES_AGAIN), files.rclone.next_copy(COPY_AGAIN))


def measure_backups(bench: Bench, rounds: Rounds) -> None:
    """Each backs up the same rows; the last backup and dumps stay for the restores."""
    rounds.run(bench.supakeep.backup(BACKUP), bench.pg_dump.custom(), bench.pg_dump.directory())


def measure_stored(bench: Bench, rounds: Rounds) -> None:
    """The same rows compressed, and compressed and encrypted; with the others once more, so that all
    of them take turns. This leaves another backup in the store, so it comes last.
    """
    public, _ = new_identity()
    encrypted = f'{COMPRESSED}[encryption]\nrecipients = ["{public}"]\n'
    rounds.run(
        bench.supakeep.backup(BACKUP),
        bench.supakeep.backup(ZSTD, COMPRESSED),
        bench.supakeep.backup(ENCRYPTED, encrypted),
        bench.pg_dump.custom(),
        bench.pg_dump.directory(),
    )


def measure_drills(bench: Bench, rounds: Rounds) -> None:
    """Each drills the backup that was made just before, and pg_dump's own."""
    rounds.run_unmeasured(bench.pg_dump.everything())
    rounds.run(bench.supakeep.backup(BACKUP), bench.supakeep.drill(DRILL), bench.pg_dump.drill())


def make_backups(bench: Bench, rounds: Rounds) -> None:
    """What the restores read, where backups are not measured."""
    rounds.run_unmeasured(bench.supakeep.backup(BACKUP))
    rounds.run_unmeasured(bench.pg_dump.directory())


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


def measure_imports(handlers: BuiltHandlers, rounds: Rounds) -> None:
    """Each function's cold start, as far as it is Python's."""
    rounds.tell(f"the functions' handlers, {handlers.python}")
    rounds.run(*(handlers.contender(function) for function in FUNCTIONS), times=IMPORTS)
    for function in FUNCTIONS:
        rounds.parts[import_of(function)] = handlers.costs(function)


def window_policy(rows: int) -> str:
    """The newest transactions only, as the default policy takes them."""
    return f'[[table]]\nname = "credit_transactions"\nlast_rows = {rows}\norder_by = "created_at"\n'
