"""What a restore of files prints at its end."""

from __future__ import annotations

from collections.abc import Iterator

from supakeep.cli.terminal import Terminal
from supakeep.domain.measures import size_text
from supakeep.domain.restored_files import RestoredFiles


def print_files(terminal: Terminal, files: RestoredFiles, *, dry_run: bool) -> None:
    """Counts, then the paths behind them."""
    for line in _counts(files, dry_run=dry_run):
        terminal.line(line)
    for refused in files.refused_files:
        terminal.notice(f"{refused.path}: {refused.reason}")
    if files.refused > len(files.refused_files):
        terminal.notice(f"… and {files.refused - len(files.refused_files):,} more")


def _counts(files: RestoredFiles, *, dry_run: bool) -> Iterator[str]:
    verb = "would be written" if dry_run else "written"
    written = files.missing + files.changed - files.refused
    yield (
        f"{files.in_backup:,} files in the backup: {written:,} {verb} ({size_text(files.bytes)} in "
        f"all), {files.unchanged:,} unchanged, {files.refused:,} refused"
    )
    for bucket in files.buckets:
        yield f"bucket {bucket} {'would be' if dry_run else 'was'} made"
    yield from _paths("missing", files.missing, files.missing_paths)
    yield from _paths("changed", files.changed, files.changed_paths)
    yield from _paths("added since, stays", files.added, files.added_paths)


def _paths(what: str, number: int, paths: tuple[str, ...]) -> Iterator[str]:
    for path in paths:
        yield f"  {what}: {path}"
    if number > len(paths):
        yield f"  {what}: … and {number - len(paths):,} more"
