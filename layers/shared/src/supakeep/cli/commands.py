"""The commands of `supakeep`, in the order in which they are listed."""

from __future__ import annotations

from supakeep.cli.command import Command

# what the first word of a command of two words is about
GROUPS = {
    "config": "Check and show the settings.",
    "keys": "Say who may call the HTTP API, and what for.",
    "schema": "Look at the definitions in backups.",
}

COMMANDS: tuple[Command, ...] = (
    Command(
        "init",
        "Look at a project and propose a supakeep.toml.",
        examples=(
            "init",
            'init --plan pro --schedule "rate(6 hours)" --force',
        ),
    ),
    Command(
        "backup",
        "Create a backup now.",
        examples=(
            "backup",
            "backup --to ./copies",
            "backup --to s3://my-bucket --json",
        ),
    ),
    Command(
        "list",
        "List the backups, newest first.",
        examples=(
            "list",
            "list --from ./copies",
            "list --json",
        ),
    ),
    Command(
        "show",
        "Show what a backup holds.",
        examples=(
            "show latest",
            "show latest --from ./copies",
        ),
    ),
    Command(
        "coverage",
        "Show what of the project a backup holds, and what it does not.",
        examples=(
            "coverage",
            "coverage latest --from ./copies",
            "coverage --json",
        ),
    ),
    Command(
        "verify",
        "Read a whole backup and check every checksum.",
        examples=(
            "verify latest",
            "verify latest --from ./copies",
            "verify latest --identity supakeep-key.txt",
        ),
    ),
    Command(
        "drill",
        "Restore a backup into a throw-away PostgreSQL, and prove it.",
        examples=(
            "drill",
            "drill random",
            "drill latest --from ./copies --identity supakeep-key.txt",
        ),
    ),
    Command(
        "ledger",
        "List the drills, verify the list, or report to auditors.",
        examples=(
            "ledger",
            "ledger verify --from ./copies",
            "ledger report --since 2026-01-01 --to report.html",
            "ledger verify --report report.html",
        ),
    ),
    Command(
        "audit",
        "Show who did what, or verify that record.",
        examples=(
            "audit",
            "audit --last 100 --json",
            "audit verify",
        ),
    ),
    Command(
        "copy",
        "Give each store what it lacks of a backup, or has damaged.",
        examples=(
            "copy latest",
            "copy --all --to mirror --dry-run",
            "copy --all",
            "copy latest --deep",
        ),
    ),
    Command(
        "diff",
        "Show what changed between two backups, or since a backup.",
        examples=(
            "diff latest",
            "diff latest --rows --limit 5",
            "diff backup_<ref>_2026-11-21 latest",
        ),
    ),
    Command(
        "schema diff",
        "Show how definitions changed between two backups, or since a backup.",
        examples=(
            "schema diff latest",
            "schema diff backup_<ref>_2026-11-21 latest",
            "schema diff latest --json",
        ),
    ),
    Command(
        "download",
        "Download a backup into a folder.",
        examples=(
            "download latest --to ./copies",
            "download latest --from mirror --to ./copies",
        ),
    ),
    Command(
        "restore",
        "Restore a backup into the database.",
        examples=(
            "restore latest --dry-run",
            "restore latest --table user_credits --table batch_projects",
            "restore latest --table user_credits --where plan=starter",
            "restore latest --auth all --dry-run",
        ),
    ),
    Command(
        "rebuild",
        "Rebuild a whole project from a backup in an empty one.",
        examples=("rebuild latest --from ./copies",),
    ),
    Command(
        "undo",
        "Bring back what a restore overwrote.",
        examples=(
            "undo --last --dry-run",
            "undo 20261122T123702Z-dee1a4e4 --table user_credits",
        ),
    ),
    Command(
        "prune",
        "Remove backups by the retention policy.",
        examples=(
            "prune --dry-run",
            "prune",
        ),
    ),
    Command(
        "pin",
        "Keep a backup, whatever the retention policy says.",
        examples=(
            "pin latest",
            "pin latest --until 2099-12-31",
        ),
    ),
    Command(
        "unpin",
        "Leave a pinned backup to the retention policy again.",
        examples=("unpin latest",),
    ),
    Command(
        "erase",
        "Erase a person's rows from every backup that is kept.",
        examples=("erase --table user_credits --where user_id=<id>",),
    ),
    Command(
        "delete",
        "Delete one backup for good, from each store.",
        examples=("delete backup_<ref>_2026-11-21 --dry-run",),
    ),
    Command(
        "runs",
        "List what ran, what started it and how it ended.",
        examples=(
            "runs",
            "runs --last 5",
            "runs 20261122T123702Z-dee1a4e4",
        ),
    ),
    Command(
        "check",
        "Check connection, rights, stores, clock and backups.",
        examples=(
            "check",
            "check --json",
        ),
    ),
    Command(
        "config check",
        "Find every problem of supakeep.toml and the environment.",
        examples=(
            "config check",
            "config check --json",
        ),
    ),
    Command(
        "config show",
        "Show which settings apply, without secrets.",
        examples=(
            "config show",
            "config show --json",
        ),
    ),
    Command(
        "migration",
        "Print the SQL that prepares a Supabase project for Supakeep.",
        examples=(
            "migration > prepare.sql",
            "migration --write supabase/migrations",
        ),
    ),
    Command(
        "keygen",
        "Make a key pair for encrypted backups.",
        examples=(
            "keygen",
            "keygen --output paper-key.txt",
        ),
    ),
    Command(
        "keys add",
        "Make a key for the HTTP API, for some purposes and some time.",
        examples=(
            "keys add ci-2026-11 --scope backup --scope view",
            "keys add auditor --scope view --until 2099-12-31",
        ),
    ),
    Command(
        "keys list",
        "List the keys: what they are good for, and until when.",
        examples=(
            "keys list",
            "keys list --json",
        ),
    ),
    Command(
        "keys revoke",
        "Close the HTTP API to a key within a minute.",
        examples=("keys revoke ci-2026-11",),
    ),
)
