"""What a restore of files prints at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from supakeep.cli.terminal import Terminal
from supakeep.domain.downloaded_files import DownloadedFiles
from supakeep.domain.measures import size_text
from supakeep.domain.restored_files import RefusedFile, RestoredFiles


def print_files(terminal: Terminal, files: RestoredFiles, *, dry_run: bool) -> None:
    """Counts, then the paths behind them."""
    for line in _counts(files, dry_run=dry_run):
        terminal.line(line)
    _print_refused(terminal, files.refused_files, files.refused)


def print_downloaded(terminal: Terminal, files: DownloadedFiles) -> None:
    """Counts, then what was refused."""
    if terminal.as_json:
        terminal.json(files)
        return
    terminal.line(
        f"{files.backup}: {files.in_backup:,} files in the backup, {files.written:,} written into "
        f"{files.to} ({size_text(files.bytes)}), {files.already_there:,} already there, "
        f"{files.refused:,} refused"
    )
    _print_refused(terminal, files.refused_files, files.refused)
    for warning in files.warnings:
        terminal.notice(warning)


def _print_refused(terminal: Terminal, examples: Sequence[RefusedFile], number: int) -> None:
    for refused in examples:
        terminal.notice(f"{refused.path}: {refused.reason}")
    if number > len(examples):
        terminal.notice(f"… and {number - len(examples):,} more")


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
