"""The schemas that Supabase makes in each project."""

from __future__ import annotations

import fnmatch

# What Supabase itself manages; `supabase db dump` leaves out the same.
MANAGED_SCHEMAS = (
    "_analytics",
    "_realtime",
    "_supavisor",
    "_timescaledb_*",
    "auth",
    "cron",
    "dbdev",
    "etl",
    "extensions",
    "graphql",
    "graphql_public",
    "net",
    "pgbouncer",
    "pgmq",
    "pgsodium",
    "pgsodium_masks",
    "pgtle",
    "realtime",
    "repack",
    "storage",
    "supabase_functions",
    "supabase_migrations",
    "tiger",
    "tiger_data",
    "timescaledb_*",
    "topology",
    "vault",
)


def is_managed_schema(schema: str) -> bool:
    """Whether definitions leave it out, because a new project has its own."""
    return any(fnmatch.fnmatchcase(schema, pattern) for pattern in MANAGED_SCHEMAS)
