"""`supakeep show`."""

from __future__ import annotations

from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.options import Name, Source
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.backed_up_files import BackedUpFiles
from supakeep.domain.measures import duration_text, size_text
from supakeep.domain.pin import holding, pin_words
from supakeep.domain.summary import BackupSummary
from supakeep.usecases.find_backups import damaged_copies, stores_holding
from supakeep.usecases.read_pins import pins_of
from supakeep.usecases.read_proofs import read_proofs


def run(session: Session, name: Name, source: Source = None) -> int:
    """Reads only the manifest; the backup's rows are not checked. Partial where `latest` passed over
    a newer backup, or where a copy is damaged.
    """
    copies = session.copies(source)
    found = copies.find(name, session.now())
    holders = stores_holding(copies.stores, found.manifest.name)
    damaged = damaged_copies(copies.stores, found.manifest)
    notices = tuple(dict.fromkeys((*found.passed_over, *found.notices, *damaged.values())))
    pins = holding(pins_of(copies.stores, found.manifest.name), session.now())
    project = found.manifest.project
    proofs = read_proofs(copies.stores, [found.manifest], project, session.now())
    proof = proofs.proof_of(found.manifest)
    summary = BackupSummary.of(found.manifest, holders, notices=notices, pins=pins, proof=proof)
    print_backup(session.terminal, summary)
    return PARTIAL if notices else GOOD


def print_backup(terminal: Terminal, summary: BackupSummary) -> None:
    """One backup with its tables, and what is wrong with it."""
    if terminal.as_json:
        terminal.json(summary)
        return
    terminal.line(f"{summary.name}  {summary.status}")
    terminal.line(
        f"{summary.rows:,} rows, {size_text(summary.size_bytes)}, in {duration_text(summary.duration_seconds)}, "
        f"{summary.started_at:%Y-%m-%d %H:%M:%S} UTC, in {', '.join(summary.locations)}"
    )
    for words in pin_words(summary.pins, summary.locations):
        terminal.line(words)
    if summary.proof:
        terminal.line(str(summary.proof))
    if summary.compression or summary.recipients:
        terminal.line(_stored(summary))
    terminal.columns(
        ("TABLE", "ROWS", "SIZE", "STATUS", "POLICY"),
        [(t.name, f"{t.rows:,}", size_text(t.bytes), t.status, t.policy) for t in summary.tables],
    )
    if summary.files is not None:
        terminal.line(_files(summary.files))
        _print_buckets(terminal, summary.files)
    _print_problems(terminal, summary)


def _files(files: BackedUpFiles) -> str:
    buckets = "1 bucket" if files.buckets == 1 else f"{files.buckets:,} buckets"
    counts = [f"{files.files:,} in {buckets}, {size_text(files.bytes)}"]
    counts += [f"{files.copied:,} of them copied now"] if files.copied else []
    counts += [f"{files.left:,} not in every copy"] if files.left else []
    counts += [f"{files.too_large:,} left out as too large"] if files.too_large else []
    counts += [f"{files.left_out:,} gone before they were copied"] if files.left_out else []
    return f"Files: {'; '.join(counts)}"


def _print_buckets(terminal: Terminal, files: BackedUpFiles) -> None:
    if files.per_bucket:
        terminal.columns(
            ("BUCKET", "FILES", "SIZE", "NOT IN EVERY COPY"),
            [
                (each.bucket, f"{each.files:,}", size_text(each.bytes), f"{each.left:,}")
                for each in files.per_bucket
            ],
        )


def _stored(summary: BackupSummary) -> str:
    compressed = [f"compressed ({summary.compression})"] if summary.compression else []
    encrypted = [f"encrypted to {', '.join(summary.recipients)}"] if summary.recipients else []
    return " and ".join([*compressed, *encrypted])


def _print_problems(terminal: Terminal, summary: BackupSummary) -> None:
    for problem in summary.problems:
        terminal.notice(problem.message, problem.hint)
    for change in summary.changes:
        if change.is_addition:
            terminal.line(change.message)
        else:
            terminal.notice(change.message)
    for told in summary.definition_changes:
        if told.hint is None:
            terminal.line(told.message)
        else:
            terminal.notice(told.message, told.hint)
    for warning in summary.warnings:
        terminal.notice(warning)
    if summary.uncovered_tables:
        terminal.notice(f"Not covered by the policy: {', '.join(summary.uncovered_tables)}")
