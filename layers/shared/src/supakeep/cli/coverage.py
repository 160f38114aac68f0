"""`supakeep coverage`."""

from __future__ import annotations

from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.options import Name, Source
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.backup_name import LATEST
from supakeep.domain.coverage_report import CoverageReport


def run(session: Session, name: Name = LATEST, source: Source = None) -> int:
    """Reads only the manifest. Partial where something appeared that the backup does not hold, or not
    everything could be looked at, or `latest` passed over a newer backup.
    """
    found = session.copies(source).find(name, session.now())
    report = CoverageReport.of(found.manifest)
    _print(session.terminal, report)
    for warning in (*found.passed_over, *found.notices):
        session.terminal.notice(warning)
    is_fine = report.is_fine and not found.passed_over and not found.notices
    return GOOD if is_fine else PARTIAL


def _print(terminal: Terminal, report: CoverageReport) -> None:
    if terminal.as_json:
        terminal.json(report)
        return
    terminal.line(f"{report.backup}, {report.started_at:%Y-%m-%d %H:%M:%S} UTC")
    terminal.columns(
        ("KIND", "BACKED UP", "CONFIGURED OUT", "NOT SUPPORTED", "FAILED"),
        [
            (k.kind, *map(str, (k.backed_up, k.configured_out, k.not_supported, k.failed)))
            for k in report.kinds
        ],
    )
    for gap in report.gaps:
        terminal.line(str(gap))
    if report.unlisted:
        terminal.line(f"{report.unlisted:,} more are not listed")
    if report.problem:
        terminal.notice(report.problem.message, report.problem.hint)
    for gap in report.appeared:
        terminal.notice(f"Not in the backup, and not so in {report.before}: {gap}")
