"""`supakeep list`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from supakeep.cli.columns import aligned, widest
from supakeep.cli.command import GOOD, PARTIAL
from supakeep.cli.options import Source
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.manifest import Manifest, Trigger
from supakeep.domain.measures import size_text
from supakeep.domain.pin import holding, pin_words
from supakeep.domain.project_coverage import uncovered_words
from supakeep.domain.proof import Proofs
from supakeep.domain.retention import is_of_the_future
from supakeep.domain.summary import BackupSummary
from supakeep.usecases.list_backups import BackupListing, list_backups
from supakeep.usecases.read_proofs import read_proofs

_HEAD = ("NAME", "TIME (UTC)", "ROWS", "SIZE", "STATUS", "TRIGGER", "IN")


def run(session: Session, source: Source = None) -> int:
    """Partial where a store could not be listed, or stores hold different backups of one name."""
    copies = session.copies(source)
    listing = list_backups(copies.stores, copies.project)
    manifests = [found.manifest for found in listing.backups if found.manifest]
    proofs = read_proofs(copies.stores, manifests, copies.project, session.now())
    _print(session.terminal, listing, proofs, session.now())
    differ = any(len(found.versions) > 1 for found in listing.backups)
    return PARTIAL if listing.problems or differ else GOOD


def _print(terminal: Terminal, listing: BackupListing, proofs: Proofs, now: dt.datetime) -> None:
    found = [
        BackupSummary.of(
            b.manifest, b.stores, pins=holding(b.pins, now), proof=proofs.proof_of(b.manifest)
        )
        for b in listing.backups
        if b.manifest
    ]
    if terminal.as_json:
        terminal.json(
            {
                "backups": [summary.model_dump(mode="json") for summary in found],
                "untrusted": {k: v.model_dump() for k, v in listing.untrusted.items()},
                "problems": {k: v.model_dump() for k, v in listing.problems.items()},
            }
        )
        return
    if not listing.backups:
        terminal.line("No backups yet. `supakeep backup` creates one.")
    for line in _lines(found, terminal.width):
        terminal.line(line)
    newest = _newest(listing, now)
    if newest and newest.coverage and (uncovered := uncovered_words(newest.coverage)):
        terminal.line(f"Not in {newest.backup}: {uncovered} (supakeep coverage {newest.backup})")
    for problem in BackupSummary.of(newest, []).problems if newest else ():
        terminal.notice(problem.message, problem.hint)
    for name, untrusted in listing.untrusted.items():
        terminal.notice(f"{name} ({untrusted.label}): {untrusted.message}", untrusted.hint)
    for store, problem in listing.problems.items():
        terminal.notice(f"{store} could not be listed: {problem.message}", problem.hint)


def _newest(listing: BackupListing, now: dt.datetime) -> Manifest | None:
    """The newest backup that is more than the undo of a restore. What keeps it from being complete, and what
    it lacks, is told; `show` says it of any other.
    """
    made = (found.manifest for found in listing.backups if found.manifest)
    own = (m for m in made if m.trigger is not Trigger.PRE_RESTORE)
    return next((m for m in own if not is_of_the_future(m, now)), None)


def _lines(found: Sequence[BackupSummary], width: int) -> list[str]:
    """A table, or two lines for each backup if the terminal is too narrow for a table."""
    if not found:
        return []
    head, *lines = aligned([_HEAD, *((summary.name, *_details(summary)) for summary in found)])
    if widest((head, *lines)) > width:
        return list(_narrow_lines(found))
    return [head, *_with_notes(found, lines)]


def _narrow_lines(found: Sequence[BackupSummary]) -> Iterator[str]:
    details = aligned([_details(summary, unit=" rows") for summary in found])
    return _with_notes(found, [f"{s.name}\n  {d}" for s, d in zip(found, details, strict=True)])


def _with_notes(found: Sequence[BackupSummary], lines: Sequence[str]) -> Iterator[str]:
    """The lines, each followed by the run of the restore that it undoes, by what a drill has
    proven, by what changed about the schema, and by its pin.
    """
    for summary, line in zip(found, lines, strict=True):
        yield from line.split("\n")
        if summary.trigger == Trigger.PRE_RESTORE and summary.run:
            yield f"  undoes {summary.run}"
        if summary.proof:
            yield f"  {summary.proof}"
        if schema := _changed_schema(summary):
            yield f"  {schema}"
        for words in pin_words(summary.pins, summary.locations):
            yield f"  {words}"


def _changed_schema(summary: BackupSummary) -> str:
    """How many changes somebody should look at; `show` names them."""
    count = sum(not change.is_addition for change in summary.changes)
    count += sum(change.hint is not None for change in summary.definition_changes)
    what = "1 change" if count == 1 else f"{count:,} changes"
    return f"{what} of the schema to look at: supakeep show {summary.name}" if count else ""


def _details(summary: BackupSummary, unit: str = "") -> tuple[str, ...]:
    return (
        f"{summary.started_at:%Y-%m-%d %H:%M}",
        f"{summary.rows:,}{unit}",
        size_text(summary.size_bytes),
        summary.status,
        summary.trigger,
        ", ".join(summary.locations),
    )
