"""What the command line prints: results on standard output, progress and errors on standard
error.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel

from supakeep.domain.manifest import Manifest
from supakeep.domain.restore import RestoreReport
from supakeep.domain.row_changes import ChangedRow
from supakeep.domain.run import Run
from supakeep.domain.summary import BackupSummary
from supakeep.errors import SupakeepError
from supakeep.usecases.find_backups import BackupListing
from supakeep.usecases.prune_backups import PruneReport
from supakeep.usecases.verify_backup import VerifyReport
from supakeep.wiring import Application

__all__ = ["Manifest", "Output"]

# a larger size is shown in the next larger unit
_LARGEST_NUMBER = 10 * 1024


class Output:
    """Plain tables for a person, or JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._shown: dict[str, int] = {}

    @contextmanager
    def progress(self, app: Application) -> Iterator[None]:
        """Shows how far a run is while it works."""
        app.watcher = self
        try:
            yield
        finally:
            app.watcher = None

    def table(self, name: str, rows: int, status: str) -> None:
        """Progress of one table: a line that grows on a terminal, its end alone elsewhere."""
        done = status != "running"
        if self._as_json or not (done or sys.stderr.isatty()):
            return
        start = "\r" if sys.stderr.isatty() else ""
        print(
            f"{start}  {name:<40} {rows:>12,} rows  {status:<9}",
            end="\n" if done else "",
            file=sys.stderr,
        )

    def backup(self, summary: BackupSummary) -> None:
        if self._as_json:
            self._json(summary)
            return
        print(f"{summary.name}  {summary.status}")
        print(
            f"{summary.rows:,} rows, {_size(summary.size_bytes)}, in {summary.duration_seconds} s, "
            f"{summary.started_at:%Y-%m-%d %H:%M:%S} UTC, in {', '.join(summary.locations)}"
        )
        _columns(
            ("TABLE", "ROWS", "SIZE", "STATUS", "POLICY"),
            [(t.name, f"{t.rows:,}", _size(t.bytes), t.status, t.policy) for t in summary.tables],
        )
        for problem in [t.error for t in summary.tables if t.error] + [summary.mirror_error]:
            if problem is not None:
                _notice(problem.message, problem.hint)
        for warning in summary.warnings:
            _notice(warning, None)
        if summary.uncovered_tables:
            _notice(f"Not covered by the policy: {', '.join(summary.uncovered_tables)}", None)

    def listing(self, listing: BackupListing) -> None:
        found = [BackupSummary.of(b.manifest, b.stores) for b in listing.backups if b.manifest]
        damaged = {b.name.text: b.problem for b in listing.backups if b.problem}
        if self._as_json:
            self._json(
                {
                    "backups": [summary.model_dump(mode="json") for summary in found],
                    "damaged": {k: v.model_dump() for k, v in damaged.items()},
                    "problems": {k: v.model_dump() for k, v in listing.problems.items()},
                }
            )
            return
        if not found and not damaged:
            print("There is no backup yet: `supakeep backup` makes one.")
        elif found:
            _columns(
                ("NAME", "TIME (UTC)", "ROWS", "SIZE", "STATUS", "TRIGGER", "IN"),
                [_listed(s) for s in found],
            )
        for name, problem in damaged.items():
            _notice(f"{name}: {problem.message}", problem.hint)
        for store, problem in listing.problems.items():
            _notice(f"{store} could not be listed: {problem.message}", problem.hint)

    def restore(self, run: Run, *, undo_from: str | None) -> None:
        """`undo_from` is where `undo` must be told to look, unless it looks there by itself."""
        if self._as_json:
            self._json(run.result)
            return
        report = RestoreReport.model_validate(run.result)
        verb = "would be written" if report.dry_run else "written"
        print(
            f"{report.backup} into project {report.project}, read from {report.read_from}, "
            f"mode {report.mode}"
        )
        _columns(
            (
                "TABLE",
                "IN BACKUP",
                verb.upper(),
                "INSERTED",
                "UPDATED",
                "DELETED",
                "UNCHANGED",
                "REFUSED",
                "IN DATABASE",
            ),
            [
                (
                    t.name,
                    *(f"{n:,}" for n in (t.rows_in_backup, t.written, t.inserted, t.updated)),
                    *(
                        f"{n:,}"
                        for n in (t.deleted, t.unchanged, t.refused, t.rows_in_database or 0)
                    ),
                )
                for t in report.tables
            ],
        )
        for table in report.tables:
            for row in table.samples:
                _changed(table.name, row)
            for refused in table.refused_rows:
                _notice(f"{table.name} {refused.row}: {refused.reason}", None)
        for warning in report.warnings:
            _notice(warning, None)
        if report.undo_backup:
            source = ("--from", undo_from) if undo_from else ()
            command = ("supakeep", "undo", run.id, *source, "--confirm", report.project)
            print(f"Undo with: {shlex.join(command)}")

    def prune(self, run: Run) -> None:
        if self._as_json:
            self._json(run.result)
            return
        report = PruneReport.model_validate(run.result)
        removed = "would be removed" if report.dry_run else "removed"
        for store in report.stores:
            print(f"{store.store}:")
            _columns(
                ("BACKUP", "DECISION", "SIZE", "WHY"),
                [
                    (b.name, removed if b.removed else "kept", _size(b.bytes), b.reason)
                    for b in store.backups
                ],
            )
            if store.problem:
                _notice(store.problem.message, store.problem.hint)

    def verified(self, report: VerifyReport) -> None:
        if self._as_json:
            self._json(report)
            return
        rows = sum(report.tables.values())
        print(
            f"{report.backup} is good: {report.volumes} object(s), {_size(report.bytes)}, "
            f"{rows:,} rows in {len(report.tables)} tables, read from {report.read_from}"
        )

    def error(self, error: SupakeepError) -> None:
        if self._as_json:
            self._json({"error": error.message, "hint": error.hint})
        print(f"error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)

    def _json(self, value: BaseModel | dict[str, Any] | None) -> None:
        fields = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        print(json.dumps(fields, indent=2, ensure_ascii=False))


def _changed(table: str, row: ChangedRow) -> None:
    key = ", ".join(f"{name}={value}" for name, value in row.key.items())
    for column, (old, new) in row.columns.items():
        print(f"  {table} {key}: {column} {old} -> {new}")


def _listed(summary: BackupSummary) -> tuple[str, ...]:
    return (
        summary.name,
        f"{summary.started_at:%Y-%m-%d %H:%M:%S}",
        f"{summary.rows:,}",
        _size(summary.size_bytes),
        summary.status,
        summary.trigger,
        ", ".join(summary.locations),
    )


def _columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints aligned columns; numbers stand to the right."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, *rows):
        cells = [
            cell.rjust(width) if cell[:1].isdigit() else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        print("  ".join(cells).rstrip())


def _notice(message: str, hint: str | None) -> None:
    print(f"! {message}" + (f" ({hint})" if hint else ""))


def _size(size_bytes: int) -> str:
    size, unit = size_bytes, "B"
    for larger in ("KiB", "MiB", "GiB"):
        if size < _LARGEST_NUMBER:
            break
        size, unit = size // 1024, larger
    return f"{size:,} {unit}"
