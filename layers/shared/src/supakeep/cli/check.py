"""`supakeep check`."""

from __future__ import annotations

from collections.abc import Sequence

from supakeep.cli.command import FAILED, GOOD, PARTIAL
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.health import Check, CheckStatus
from supakeep.usecases.check_project import CheckProject

# whoever asks what is wrong wants to know it, not to wait for its end
_PATIENCE_SECONDS = 10


def run(session: Session) -> int:
    """Failed where a check failed, partial where one warns."""
    app = session.app
    from supakeep.retries import patience

    is_shared = app.settings.runs_table is not None
    with session.progress() as progress, patience(seconds=_PATIENCE_SECONDS):
        checks = CheckProject(
            app,
            app.server_time,
            app.settings.schedules,
            app.settings.max_backup_age_hours,
            shares_runs=is_shared,
            progress=progress,
            api_keys=app.api_keys if is_shared else None,
        )()
    _print(session.terminal, checks)
    found = {check.status for check in checks}
    if CheckStatus.FAIL in found:
        return FAILED
    return PARTIAL if CheckStatus.WARN in found else GOOD


def _print(terminal: Terminal, checks: Sequence[Check]) -> None:
    if terminal.as_json:
        terminal.json({"checks": [check.model_dump(mode="json") for check in checks]})
        return
    terminal.columns(
        ("CHECK", "STATUS", "FOUND"),
        [(check.name, check.status, check.message) for check in checks],
    )
    for check in checks:
        if check.status is not CheckStatus.OK and check.advice:
            terminal.notice(f"{check.name}: {check.advice}")
