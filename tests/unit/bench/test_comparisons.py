from __future__ import annotations

from pathlib import Path

from bench import comparisons
from bench.comparisons import figures, import_of
from bench.measure import Measured, Rounds


def rounds_of(*names: str, seconds: float = 1.0, peak_mb: float = 50.0) -> Rounds:
    rounds = Rounds(1, Path("unused.log"), lambda _: None)
    for name in names:
        rounds.runs[name].append(Measured(seconds, seconds, peak_mb, wal_mb=1.0))
    return rounds


def test_the_table_has_no_line_of_what_was_not_measured() -> None:
    rounds = rounds_of(comparisons.BACKUP, comparisons.CUSTOM, comparisons.DIRECTORY)

    assert [one.figure for one in figures(rounds, 1000)] == [
        "backup / pg_dump -Fc",
        "backup / pg_dump -Fd -j2 -Z gzip:1",
    ]


def test_a_contender_without_its_rival_makes_no_line() -> None:
    assert figures(rounds_of(comparisons.BACKUP, comparisons.RESTORE), 1000) == []


def test_peak_memory_is_the_larger_of_the_backups_and_the_restores() -> None:
    rounds = rounds_of(comparisons.BACKUP, comparisons.SMALL_BACKUP, peak_mb=60)
    rounds.runs |= rounds_of(comparisons.RESTORE, comparisons.SMALL_RESTORE, peak_mb=66).runs

    (peak,) = figures(rounds, 1000)

    assert peak.figure == "peak memory, backup and restore, 1,000 rows / 100 rows"
    assert (peak.ours, peak.rival, peak.most) == (66, 66, 200)


def test_backups_that_ran_more_often_than_restores_are_no_obstacle() -> None:
    rounds = rounds_of(comparisons.BACKUP, comparisons.BACKUP, comparisons.SMALL_BACKUP)
    rounds.runs |= rounds_of(comparisons.RESTORE, comparisons.SMALL_RESTORE, peak_mb=66).runs

    (peak,) = figures(rounds, 1000)

    assert peak.ours == 66


def test_compressed_backups_are_compared_in_time_and_in_bytes() -> None:
    rounds = rounds_of(comparisons.ZSTD, comparisons.DIRECTORY)

    assert [(one.figure, one.target) for one in figures(rounds, 1000)] == [
        ("backup, zstd:1 / pg_dump -Fd -j2 -Z gzip:1", 1.1),
        ("the same: bytes stored", 1.0),
    ]


def test_an_import_is_compared_with_its_target_and_not_with_a_rival() -> None:
    rounds = rounds_of(import_of("backup"), seconds=0.41)
    rounds.parts[import_of("backup")] = {"a library": 0.4}

    (cold,) = figures(rounds, 1000)

    assert (cold.rival, cold.ratio, cold.target, cold.most) == (None, None, None, 0.40)
    assert not cold.is_met
    assert cold.parts == {"a library": 0.4}
