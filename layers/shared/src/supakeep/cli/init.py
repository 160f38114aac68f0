"""`supakeep init`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from supakeep.cli.command import GOOD
from supakeep.cli.session import POLICY_FILE, Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.measures import size_text
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.proposal import proposed_policy
from supakeep.domain.schedule import Schedule
from supakeep.domain.survey import Estimate, SurveyedTable, estimate, runs_per_month
from supakeep.errors import InvalidRequestError, UnsafeOperationError
from supakeep.usecases.survey_tables import SurveyTables


class PlanName(StrEnum):
    """The Supabase plans with limits that are known here."""

    FREE = "free"
    PRO = "pro"


PlanOption = Annotated[PlanName, typer.Option("--plan", help="The project's Supabase plan.")]
ScheduleOption = Annotated[
    str,
    typer.Option("--schedule", metavar="CRON", help="When to back up, as AWS writes it, in UTC."),
]
KeepDays = Annotated[
    int,
    typer.Option("--keep-days", min=1, max=36_500, metavar="N", help="How long backups are kept."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that exists.")]


def run(
    session: Session,
    plan: PlanOption = PlanName.FREE,
    schedule: ScheduleOption = "cron(0 3 * * ? *)",
    keep_days: KeepDays = 7,
    *,
    force: Force = False,
) -> int:
    """Reads the project's tables and writes supakeep.toml, or the file of --config."""
    file = session.named_file or POLICY_FILE
    _require_writable(file, force=force)
    # a schedule that cannot be read is refused before anything is asked
    runs_per_month(schedule, session.now())
    app = session.app
    with session.progress() as progress:
        progress.phase("looking at the tables")
        survey = SurveyTables(app.database, app.table_activity(), session.now(), progress)
        tables = survey()
    numbers = estimate(
        tables,
        app.engine,
        plan=plan.value,
        schedule=schedule,
        keep_days=keep_days,
        now=session.now(),
    )
    text = proposed_policy(tables, numbers)
    # what is written can be read
    BackupPolicy.parse(text, str(file))
    file.write_text(text, encoding="utf-8")
    _print(session.terminal, file, tables, numbers)
    return GOOD


def _require_writable(file: Path, *, force: bool) -> None:
    """Refuses what would fail after the project was asked, and what would replace a file unasked."""
    if not file.parent.is_dir():
        raise InvalidRequestError(
            f"There is no folder {file.parent}",
            operation="write configuration",
            key=str(file),
            hint="Create it first, or name another file: --config FILE.",
        )
    # to /dev/null, everything may be written
    if file.exists() and not file.is_char_device() and not force:
        raise UnsafeOperationError(
            f"{file} exists, and nothing was written",
            operation="write configuration",
            key=str(file),
            hint="Replace it with --force, or name another file: --config FILE.",
        )


def _print(terminal: Terminal, file: Path, tables: list[SurveyedTable], numbers: Estimate) -> None:
    if terminal.as_json:
        described = [table.model_dump(mode="json") for table in tables]
        terminal.json(
            {
                "file": str(file),
                "tables": described,
                "estimate": numbers.model_dump(mode="json"),
                "warnings": numbers.warnings,
            }
        )
        return
    terminal.columns(
        ("TABLE", "ROWS", "SIZE", "A DAY", "REMARKS"), [_cells(table) for table in tables]
    )
    for table in tables:
        if table.problem:
            terminal.notice(table.problem, table.fix)
    _print_estimate(terminal, numbers)
    terminal.line(f"Written to {file}. Next: supakeep check, supakeep backup")


def _cells(table: SurveyedTable) -> tuple[str, ...]:
    remarks = {
        "large": table.is_large,
        "changes fast": table.changes_fast,
        "no primary key": not table.has_key,
        "cannot be read": bool(table.problem) and not table.needs_key,
    }
    changes = table.changes_per_day
    return (
        table.table,
        "" if table.rows is None else f"{table.rows:,}",
        "" if table.bytes is None else size_text(table.bytes),
        "" if changes is None else f"{changes:,}",
        ", ".join(remark for remark, applies in remarks.items() if applies),
    )


def _print_estimate(terminal: Terminal, numbers: Estimate) -> None:
    words = Schedule("backup", numbers.schedule).words
    lines = {
        "One backup": f"{numbers.rows:,} rows, about {size_text(numbers.backup_bytes)}, "
        f"about {numbers.duration_seconds:,} s",
        "Schedule": f"{words}: {numbers.runs_per_month:,} a month, kept {numbers.keep_days} days",
        "Storage": f"{size_text(numbers.storage_bytes)}, "
        + _share(numbers.storage_bytes, numbers.storage_limit_bytes, numbers.plan),
        "Egress": f"{size_text(numbers.egress_bytes_per_month)} a month, "
        + _share(numbers.egress_bytes_per_month, numbers.egress_limit_bytes, numbers.plan),
        "AWS": f"about ${numbers.dollars_per_month:,.2f} a month before its free tier, with a mirror",
    }
    for label, value in lines.items():
        terminal.line(f"{label:<10} {value}")
    for warning in numbers.warnings:
        terminal.notice(warning)


def _share(size: int, limit: int, plan: str) -> str:
    return f"{size / limit:.1%} of what the {plan} plan has"
