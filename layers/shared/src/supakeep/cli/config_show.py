"""`supakeep config show`."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel

from supakeep.cli.command import GOOD
from supakeep.cli.runs_place import runs_place
from supakeep.cli.session import Session
from supakeep.cli.terminal import Terminal
from supakeep.domain.measures import size_text
from supakeep.domain.policy import BackupPolicy, TablePatterns
from supakeep.domain.retention_policy import RetentionPolicy
from supakeep.settings import Settings


class Shown(BaseModel):
    """What applies, without any secret. `policy_file` is None where there is none; `keys_set` are the
    names of the secrets that have a value.
    """

    project: str
    supabase_url: str | None
    destination: str
    engine: str
    storage_bucket: str | None
    mirror: str | None
    copies: dict[str, str]
    runs_table: str | None
    runs_folder: Path | None
    max_object_bytes: int
    policy_file: str | None
    tables: dict[str, str]
    patterns: TablePatterns
    retention: RetentionPolicy
    compression: str
    recipients: list[str]
    keys_set: list[str]

    @classmethod
    def of(cls, settings: Settings, policy: BackupPolicy, policy_file: str | None) -> Self:
        has_storage = settings.supabase_url is not None
        keys = {
            "SUPABASE_SERVICE_ROLE_KEY": settings.service_role_key,
            "SUPABASE_DB_URL": settings.db_url,
            "ADMIN_KEY": settings.admin_key,
            "CRON_SECRET": settings.cron_secret,
            "AGE_IDENTITY": settings.age_identity,
        }
        return cls(
            project=settings.project_ref,
            supabase_url=settings.supabase_url,
            destination=settings.destination,
            engine="postgres" if settings.db_url else "rest",
            storage_bucket=settings.backup_bucket if has_storage else None,
            mirror=settings.mirror_s3_bucket,
            copies={copy.name: copy.url for copy in policy.copies if copy.url},
            runs_table=settings.runs_table,
            runs_folder=settings.runs_folder,
            max_object_bytes=settings.max_object_bytes,
            policy_file=policy_file,
            tables={entry.qualified_name: str(entry.policy) for entry in policy.table},
            patterns=policy.backup,
            retention=policy.retention,
            compression=str(policy.storage),
            recipients=policy.encryption.recipients,
            keys_set=[name for name, value in keys.items() if value],
        )


def run(session: Session) -> int:
    """Raises for the first problem; `config check` lists all."""
    app = session.app
    _print(session.terminal, Shown.of(app.settings, app.policy, session.policy_file))
    return GOOD


def _print(terminal: Terminal, shown: Shown) -> None:
    if terminal.as_json:
        terminal.json(shown)
        return
    for label, value in _lines(shown).items():
        terminal.line(f"{label:<12} {value}")
    if shown.tables:
        terminal.columns(("TABLE", "ROWS"), list(shown.tables.items()))


def _lines(shown: Shown) -> dict[str, str]:
    places = [f"Storage bucket {shown.storage_bucket}"] if shown.storage_bucket else []
    places += [f"s3://{shown.mirror}"] if shown.mirror else []
    places += [f"{url} ({name})" for name, url in shown.copies.items()]
    url = f" at {shown.supabase_url}" if shown.supabase_url else ""
    patterns = shown.patterns
    chosen = f"tables {', '.join(patterns.tables)} of {', '.join(patterns.schemas)}"
    left_out = f", without {', '.join(patterns.exclude)}" if patterns.exclude else ""
    return {
        "Project": f"{shown.project}{url}",
        "Restore to": shown.destination,
        "Engine": shown.engine,
        "Backups in": " and ".join(places) or "nothing: name a folder (--to, --from)",
        "Objects": f"at most {size_text(shown.max_object_bytes)} each",
        "Runs in": runs_place(shown.runs_table, shown.runs_folder),
        "Keys set": ", ".join(shown.keys_set) or "none",
        "Policy": shown.policy_file or "none: every table of public",
        "Patterns": f"{chosen}{left_out}" if patterns.tables else "none",
        "Files": f"buckets {patterns.files}" if patterns.files.takes_any else "none",
        "Kept": shown.retention.rules,
        "Compression": shown.compression,
        "Encrypted to": ", ".join(shown.recipients) or "nobody: whoever reads an object reads rows",
    }
