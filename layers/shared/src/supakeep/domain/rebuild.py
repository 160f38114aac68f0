"""What a rebuild is asked for, and what it reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from supakeep.domain.restore import RestoredTable
from supakeep.domain.restored_files import RestoredFiles
from supakeep.errors import InvalidRequestError, UnsafeOperationError


class RebuildRequest(BaseModel):
    """With `merge`, into a project that has tables: what is there stays, and rows are merged. With
    `schema_only`, no row and no user is written. Both need `confirm`, the database, where there are
    tables.
    """

    model_config = ConfigDict(frozen=True)

    merge: bool = False
    schema_only: bool = False
    confirm: str | None = None


class NotRebuilt(BaseModel):
    """What did not come back, or not as it was, and what to do about it."""

    model_config = ConfigDict(frozen=True)

    what: str
    why: str
    hint: str | None = None


class RefusedByRows(NotRebuilt):
    """A constraint or a unique index that rows of the backup violate. `rule` says which, and quotes no
    value of a row.
    """

    rule: str = Field(exclude=True)


class ByHand(BaseModel):
    """What no backup holds, and the command or the place in the dashboard that brings it back."""

    model_config = ConfigDict(frozen=True)

    what: str
    how: str


class Outcome(StrEnum):
    """What became of one definition."""

    MADE = "made"
    THERE = "there"
    FAILED = "failed"


class RebuildReport(BaseModel):
    """What came back. `definitions` counts those that were made, by kind; `already_there` were in the
    new project before. `resumed` is whether an earlier run had begun it. `files` is None where none were
    restored.
    """

    model_config = ConfigDict(frozen=True)

    backup: str
    into: str
    resumed: bool = False
    definitions: dict[str, int] = {}
    already_there: tuple[str, ...] = ()
    tables: tuple[RestoredTable, ...] = ()
    files: RestoredFiles | None = None
    not_rebuilt: tuple[NotRebuilt, ...] = ()
    by_hand: tuple[ByHand, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether all that the backup holds came back."""
        return not self.not_rebuilt


@dataclass
class Tally:
    """What gathers while a rebuild goes on."""

    made: Counter[str] = field(default_factory=Counter)
    there: list[str] = field(default_factory=list)
    tables: list[RestoredTable] = field(default_factory=list)
    not_rebuilt: list[NotRebuilt] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_empty(tables: Sequence[str], request: RebuildRequest, place: str, *, backup: str) -> None:
    """Raises UnsafeOperationError where the new project has tables and nobody means that."""
    if not tables:
        return
    shown = ", ".join(tables[:5]) + (", …" if len(tables) > 5 else "")
    if not (request.merge or request.schema_only):
        raise UnsafeOperationError(
            f"{place} is not empty: it has {shown}",
            operation="rebuild",
            key=place,
            hint="Rebuild into a new project. If this one is meant, --merge keeps what is there and adds "
            "what is missing, and --schema-only does so with definitions only.",
        )
    if request.confirm != place:
        raise UnsafeOperationError(
            f"{place} has tables ({shown}), so that writing to it must be confirmed",
            operation="rebuild",
            key=place,
            hint=f"Confirm with --confirm {place}. {backup} is what it is rebuilt from.",
        )


def no_definitions(backup: str, why: str | None) -> InvalidRequestError:
    """The error for a backup that cannot make the tables."""
    return InvalidRequestError(
        f"{backup} has no definitions" + (f": {why}" if why else ""),
        operation="rebuild",
        key=backup,
        hint="Run your migrations in the new project, and then rebuild with --merge, which writes users "
        "and rows. Only backups with SUPABASE_DB_URL have definitions.",
    )


def by_hand(backup: str, *, has_files: bool, restored_files: bool) -> tuple[ByHand, ...]:
    """What is left to do after the rebuild of this backup."""
    if restored_files:
        return BY_HAND
    how = "dashboard, Storage: create the buckets, and upload the files from where you have them"
    if has_files:
        how = (
            f"supakeep restore {backup} --files all --allow-other-project, with "
            "NEXT_PUBLIC_SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY of the new project"
        )
    return (ByHand(what="Files in Storage and their buckets", how=how), *BY_HAND)


# one line each: they are read by somebody whose project is gone
BY_HAND: tuple[ByHand, ...] = (
    ByHand(
        what="Secrets of sign-in providers, SMTP, mail templates, redirect URLs",
        how="dashboard, Authentication: Sign In / Providers, Emails, URL Configuration",
    ),
    ByHand(
        what="API keys and the JWT secret: they are new, so everybody logs in again",
        how="dashboard, Project Settings, API Keys and JWT Keys: put the new URL and keys into your app",
    ),
    ByHand(
        what="Edge functions and their secrets",
        how="supabase functions deploy --project-ref <ref>; supabase secrets set --env-file .env --project-ref <ref>",
    ),
    ByHand(
        what="Custom domain and DNS",
        how="dashboard, Project Settings, Custom Domains; then the CNAME at your DNS provider",
    ),
    ByHand(
        what="Cron jobs, queues, webhooks and Vault secrets",
        how="dashboard, Integrations: Cron, Queues, Database Webhooks, Vault",
    ),
    ByHand(
        what="Database roles of your own, and their passwords",
        how="SQL editor: create role <name> login password '…'; then rebuild with --merge for their grants",
    ),
    ByHand(
        what="Backups of the new project",
        how="deploy Supakeep for it (docs/deploy.md), and run supakeep backup",
    ),
)
