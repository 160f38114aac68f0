"""What a project is made of, beside the values in its rows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ObjectKind(StrEnum):
    """The value is what people call it."""

    SCHEMA = "schema"
    TABLE = "table"
    PARTITION = "partition"
    VIEW = "view"
    MATERIALIZED_VIEW = "materialized view"
    FUNCTION = "function"
    TRIGGER = "trigger"
    POLICY = "policy"
    SEQUENCE = "sequence"
    TYPE = "type"
    EVENT_TRIGGER = "event trigger"
    DEFAULT_PRIVILEGES = "default privileges"
    ROLE = "role"
    EXTENSION = "extension"
    PUBLICATION = "publication"
    CRON_JOB = "cron job"
    WEBHOOK = "webhook"
    VAULT_SECRET = "vault secret"  # noqa: S105 - a kind, no secret
    FOREIGN_TABLE = "foreign table"
    BUCKET = "bucket"
    USERS = "users"
    DEFINITIONS = "definitions"
    EDGE_FUNCTION = "edge function"
    AUTH_SETTING = "auth setting"


@dataclass(frozen=True)
class ProjectObject:
    """`name` has the schema where it lies in one. `root` is the partitioned table whose rows a partition
    holds, or the table whose column shows the value of a sequence. Supabase makes what is `managed` itself,
    in every project; somebody's own trigger on a table of Supabase's is not.
    """

    kind: ObjectKind
    name: str
    schema: str | None = None
    root: str | None = None
    managed: bool = False
