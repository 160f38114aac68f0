"""The report for auditors as one page of HTML that loads nothing and prints well."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

from supakeep import __version__
from supakeep.domain.audit import Audit, AuditedBackup
from supakeep.domain.drill import DrillReport, RungOutcome
from supakeep.domain.ledger import StoredDrill
from supakeep.domain.manifest import Trigger
from supakeep.domain.measures import size_text

_BACKUPS = ("Backup", "Began (UTC)", "State", "Rows", "Size", "In", "Proof")
_DRILLS = ("Drill (UTC)", "Backup", "Rungs", "Rows", "Restored in", "Not proven")
_CLASSES = {"Rows": "number", "Size": "number", "Restored in": "number", "Backup": "name"}

_OUTCOMES = {
    RungOutcome.PROVEN: "good",
    RungOutcome.FAILED: "bad",
    RungOutcome.NOT_TRIED: "quiet",
}


def audit_page(audit: Audit, key_id: str | None) -> str:
    """The page, without its signature; `key_id` names the key that will sign it."""
    of = ", ".join(_text(project) for project in audit.projects) or "no project"
    parts = (
        f"<h1>Backups of {of}</h1>",
        (
            f'<p class="lead">{audit.since} to {_minute(audit.made_at)} UTC, read from '
            f"{_list(audit.stores)}. Written by Supakeep {__version__}.</p>"
        ),
        _figures(audit),
        _section("Gaps", _items(audit.gaps, "There are none.")),
        _section("Backups", _backups(audit)),
        _section("Drills", _drills(audit)),
        _section("The ledger", _ledger(audit)),
        _section("What this page does not show", _limits()),
        _section("How to verify this page", _verification(key_id)),
    )
    return _document(f"Backups of {of}, {audit.since} to {audit.made_at:%Y-%m-%d}", parts)


def _document(title: str, parts: Iterable[str]) -> str:
    style = files(__package__).joinpath("audit_page.css").read_text(encoding="utf-8")
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _figures(audit: Audit) -> str:
    good = [backup for backup in audit.backups if backup.is_good]
    failed = sum(not drill.entry.report.is_whole for drill in audit.drills)
    figures = {
        "Backups": f"{len(audit.backups):,}",
        "Good": f"{len(good):,}",
        "Shown to restore": f"{sum(backup.is_proven for backup in good):,}",
        "Drills": f"{len(audit.drills):,}",
        "Drills that failed": f"{failed:,}",
        "Gaps": f"{len(audit.gaps):,}",
    }
    cards = (f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in figures.items())
    return f"<dl>{''.join(cards)}</dl>"


def _backups(audit: Audit) -> str:
    if not audit.backups:
        return "<p>No store holds a backup of this period.</p>"
    return _table(_BACKUPS, [_backup_row(backup) for backup in audit.backups])


def _backup_row(backup: AuditedBackup) -> Sequence[str]:
    is_fine = backup.is_good or backup.trigger == Trigger.PRE_RESTORE
    notes = [
        *(["kept by a restore"] if backup.trigger == Trigger.PRE_RESTORE else []),
        *(["encrypted"] if backup.is_encrypted else []),
        f"signed by {backup.signed_by}" if backup.signed_by else "not signed",
    ]
    lacking = f'<br><span class="bad">not in {_list(backup.lacking)}</span>'
    return (
        _text(backup.name),
        _minute(backup.started_at),
        _marked(backup.state, is_fine=is_fine)
        + f'<br><span class="quiet">{_text(", ".join(notes))}</span>',
        "" if backup.rows is None else f"{backup.rows:,}",
        "" if backup.size_bytes is None else size_text(backup.size_bytes),
        _list(backup.stores) + (lacking if backup.lacking else ""),
        _proof(backup),
    )


def _proof(backup: AuditedBackup) -> str:
    if backup.proof is None:
        return '<span class="quiet">not drilled</span>'
    entry = backup.proof.entry
    reached = entry.report.reached or "nothing"
    word = _marked(str(reached), is_fine=entry.report.restores)
    return f"{word}<br>{_of_tables(entry.report)}{_minute(entry.recorded_at)}"


def _of_tables(report: DrillReport) -> str:
    """Which tables the drill was about, where the backup was too large for one drill."""
    if report.portion is None:
        return ""
    names = [f"{t.name} (sample)" if t.is_sample else t.name for t in report.portion.tables]
    return f'{_text(str(report.portion))}<br><span class="quiet">{_list(names)}</span><br>'


def _drills(audit: Audit) -> str:
    if not audit.drills:
        return "<p>There was no drill in this period.</p>"
    return _table(_DRILLS, [_drill_row(drill) for drill in audit.drills])


def _drill_row(drill: StoredDrill) -> Sequence[str]:
    entry, report = drill.entry, drill.entry.report
    rungs = (
        f'<span class="{_OUTCOMES[rung.outcome]}">{rung.rung}: {rung.outcome}</span>'
        for rung in report.rungs
    )
    into = _text(f"into {report.into} {report.server_version or ''}".rstrip())
    signed = _text(f"signed by {drill.key_id}" if drill.key_id else "not signed")
    took = report.restore_milliseconds
    return (
        f'{_minute(entry.recorded_at)}<br><span class="quiet">{signed}</span>',
        f'{_text(entry.backup.name)}<br><span class="quiet">{into}</span>',
        _of_tables(report) + "<br>".join(rungs) + _broken_off(report),
        f"{entry.backup.rows if report.portion is None else report.portion.rows:,}",
        "" if took is None else f"{took / 1000:,.1f} s",
        "<br>".join(_text(f"{note.what}: {note.why}") for note in report.not_proven),
    )


def _broken_off(report: DrillReport) -> str:
    if report.broken_off is None:
        return ""
    return f"<br>{_text(f'broke off: {report.broken_off.problem.message}')}"


def _ledger(audit: Audit) -> str:
    if audit.problems:
        problems = _items([problem.message for problem in audit.problems], "")
        state = f'<p class="bad">Not everything could be read and believed:</p>{problems}'
    else:
        state = (
            "<p>The ledger is whole: no entry that another one names was dropped or changed.</p>"
        )
    newest = audit.newest_entry
    if newest is None:
        return f"{state}<p>It has no entries.</p>"
    return (
        f"{state}<p>It has {audit.ledger_entries:,} entries. The newest is "
        f"<code>{_text(newest.key)}</code> with the checksum <code>{_text(newest.checksum)}</code>. "
        "A later ledger that lacks this entry, or has another checksum for it, was changed.</p>"
    )


def _limits() -> str:
    return _items(
        [
            "Backups that retention has removed: only their drills are still recorded.",
            "Files in Storage, which are not part of a backup.",
            "Users and definitions, which are part of it only with SUPABASE_DB_URL.",
            "What a drill lists under “not proven”.",
        ],
        "",
    )


def _verification(key_id: str | None) -> str:
    if key_id is None:
        return (
            '<p class="bad">This page is not signed: there was no SIGNING_KEY when it was made.</p>'
            "<p>Anybody could have written or changed it.</p>"
        )
    return (
        f"<p>The last line of this file is a comment with a signature (HMAC-SHA256, key "
        f"<code>{_text(key_id)}</code>) of all bytes before it. Whoever holds the signing key verifies "
        "the file with</p><p><code>supakeep ledger verify --report FILE</code></p>"
        "<p>A printed or converted page cannot be verified: keep the file. The figures can be checked "
        "without it: <code>supakeep list</code>, <code>supakeep ledger</code> and "
        "<code>supakeep ledger verify</code> read the stores themselves.</p>"
    )


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n{content}\n</section>"


def _items(texts: Sequence[str], if_none: str) -> str:
    if not texts:
        return f"<p>{if_none}</p>"
    return "<ul>" + "\n".join(f"<li>{_text(text)}</li>" for text in texts) + "</ul>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    classes = [f' class="{_CLASSES[name]}"' if name in _CLASSES else "" for name in head]
    heads = "".join(f"<th{c}>{name}</th>" for c, name in zip(classes, head, strict=True))
    lines = (
        "<tr>"
        + "".join(f"<td{c}>{cell}</td>" for c, cell in zip(classes, row, strict=True))
        + "</tr>"
        for row in rows
    )
    body = "\n".join(lines)
    return (
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _marked(text: str, *, is_fine: bool) -> str:
    return f'<span class="{"good" if is_fine else "bad"}">{_text(text)}</span>'


def _list(names: Sequence[str]) -> str:
    return _text(" and ".join(names) or "no store")


def _minute(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M}"


def _text(text: str) -> str:
    """Text that says nothing to a browser, whoever chose it: no markup, and nothing that hides or turns
    the letters around it.
    """
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return escape(shown)
