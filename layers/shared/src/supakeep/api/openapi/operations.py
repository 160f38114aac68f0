"""What the routes are for, in words: all that their code does not say by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ADMIN_KEY, CRON_SECRET = "adminKey", "cronSecret"


@dataclass(frozen=True)
class Operation:
    """One route, described. `answers` are its successes: by status the schema's name.

    `not_found` and `damaged` are whether it can be about something that is not there, or about a
    backup that cannot be trusted; `needs_lease` is whether a run at work can be in its way. `key` is
    what it is called with, None for nothing.
    """

    tag: str
    summary: str
    description: str
    answers: Mapping[int, str]
    not_found: bool = False
    damaged: bool = False
    needs_lease: bool = False
    key: str | None = ADMIN_KEY

    @property
    def conflicts(self) -> bool:
        return self.needs_lease or 202 in self.answers


_LATER = "The answer comes at once; `status_url` shows how far the run is."

# by the name of the route's function
OPERATIONS: Mapping[str, Operation] = {
    "get_overview": Operation(
        "Overview",
        "Is my data safe?",
        "A verdict with one sentence and one thing to do, everything that was found, the newest good "
        "backup, the next runs and a calendar of backups.",
        {200: "Overview"},
    ),
    "get_health": Operation(
        "Overview",
        "Are the backups new enough?",
        "For uptime monitors. 200 while all is well, 503 while the newest good backup is too old, or something "
        "else has failed; `sentence` says what, and `advice` what to do. API Gateway's own 503 has no `status`.",
        {200: "Health", 503: "Health"},
    ),
    "get_settings": Operation(
        "Overview",
        "Show the settings",
        "What is deployed, without any secret: the project, what the engine can do, which rows are "
        "backed up, retention and schedules.",
        {200: "SettingsAnswer"},
    ),
    "start_backup": Operation(
        "Backups",
        "Start a backup",
        f"Backs up what `supakeep.toml` names. {_LATER}",
        {202: "Accepted"},
    ),
    "start_scheduled_backup": Operation(
        "Backups",
        "Start the day's backup",
        f"For a scheduler outside AWS. It takes the `CRON_SECRET`, not the admin key. {_LATER}",
        {202: "Accepted"},
        key=CRON_SECRET,
    ),
    "get_backups": Operation(
        "Backups",
        "List the backups",
        "Newest first, with retention's verdict on each copy. `next` is what to pass as `before` for "
        "the following page.",
        {200: "BackupList"},
    ),
    "get_backup": Operation(
        "Backups",
        "Show one backup",
        "With its tables' columns and keys, and what changed since the good backup before.",
        {200: "BackupDetail"},
        not_found=True,
        damaged=True,
    ),
    "get_download": Operation(
        "Backups",
        "Get links to a backup's objects",
        "The links work without a key for five minutes. The volumes, joined in their order, are the "
        "document.",
        {200: "Download"},
        not_found=True,
        damaged=True,
    ),
    "start_verification": Operation(
        "Backups",
        "Verify a backup",
        "Reads every byte of each copy. The run's result says which copies are good: the run is "
        f"`complete` if all are, `partial` if some are, `failed` if none is. {_LATER}",
        {202: "Accepted"},
        not_found=True,
        damaged=True,
    ),
    "start_copy": Operation(
        "Backups",
        "Copy a backup to the stores that lack it",
        "Reads every object of the backup in each store, and writes what is missing or damaged from a "
        f"store that has it right. {_LATER}",
        {202: "Accepted"},
        not_found=True,
        damaged=True,
    ),
    "start_drill": Operation(
        "Backups",
        "Drill a backup",
        "Restores the backup into a PostgreSQL that is started for it and thrown away, compares every "
        "row, and asks the assertions of `drills.sql`. No live table is touched. The run's result says "
        f"rung by rung what that has proven; the run is `failed` if a rung is. {_LATER}",
        {202: "Accepted"},
        not_found=True,
        damaged=True,
    ),
    "get_ledger": Operation(
        "Backups",
        "List the drills that were recorded",
        "Newest first, with what each has proven, its signature and the stores that hold the entry. `next` "
        "is what to pass as `before` for the following page. `verify=true` checks the whole ledger too.",
        {200: "Ledger"},
    ),
    "get_coverage": Operation(
        "Overview",
        "Show what of the project a backup holds, and what it does not",
        "Counts of tables, functions, policies, buckets and all else by kind, and each thing that is not "
        "backed up with the reason. `appeared` are those that the backup before did not lack.",
        {200: "CoverageReport"},
        not_found=True,
        damaged=True,
    ),
    "get_audit_log": Operation(
        "Overview",
        "Show who did what",
        "Newest first, with the name of the key, the address and the outcome. `next` is what to pass as "
        "`before` for the following page. `verify=true` checks the whole log too.",
        {200: "AuditLogPage"},
    ),
    "get_keys": Operation(
        "Overview",
        "Show which keys there are",
        "Each key with its scopes, when it was made, when it ends, and whether it opens anything now; never "
        "a key or its hash.",
        {200: "KeyList"},
    ),
    "put_pin": Operation(
        "Backups",
        "Pin a backup",
        "No retention rule removes it then, until the pin ends or is removed. It takes the place of "
        "every earlier pin. Each store that holds the backup gets a pin of its own; a store that "
        "failed says why.",
        {200: "PinReport"},
        not_found=True,
        damaged=True,
        needs_lease=True,
    ),
    "delete_pin": Operation(
        "Backups",
        "Unpin a backup",
        "Leaves it to the retention rules again, in every store. A pin that the store keeps locked "
        "stays, and its `problem` says until when.",
        {200: "PinReport"},
        not_found=True,
        damaged=True,
        needs_lease=True,
    ),
    "start_restore": Operation(
        "Restores",
        "Restore a backup, or try it in a dry run",
        "Overwrites live data, so `confirm` must repeat the ref of the project. A dry run needs no "
        f"confirmation, writes nothing and counts what would change. {_LATER}",
        {202: "Accepted"},
        not_found=True,
        damaged=True,
    ),
    "start_undo": Operation(
        "Restores",
        "Undo a restore",
        "Brings back what a restore overwrote, from the copy that was kept before it. It is refused "
        f"with the reason where the engine cannot. {_LATER}",
        {202: "Accepted"},
        not_found=True,
        damaged=True,
    ),
    "get_runs": Operation(
        "Runs",
        "List the runs",
        "Newest first. `next` is what to pass as `before` for the following page.",
        {200: "RunList"},
    ),
    "get_run": Operation(
        "Runs",
        "Show one run",
        "Its progress while it works, and then its result or its error. Runs are kept for 30 days.",
        {200: "RunAnswer"},
        not_found=True,
    ),
    "get_retention": Operation(
        "Retention",
        "Try other retention rules",
        "What a prune would do now. Without a parameter, under the deployed rules. Nothing is removed.",
        {200: "RetentionSimulation"},
    ),
    "start_prune": Operation(
        "Retention",
        "Remove what the rules no longer keep",
        "A dry run is answered at once with what would be removed, and why. Otherwise a run does it: "
        "the answer is 202.",
        {200: "PruneReport", 202: "Accepted"},
    ),
    "get_openapi": Operation(
        "Overview",
        "Get this document",
        "It takes no key, because it contains nothing that the documentation does not.",
        {200: "object"},
        key=None,
    ),
}
