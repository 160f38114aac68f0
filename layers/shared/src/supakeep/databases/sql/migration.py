"""The migration that prepares a project for Supakeep, put together from this folder's files."""

from __future__ import annotations

from supakeep.databases.sql import sql_text

# What the Data API must reach, with its arguments; everything else is out of its sight.
ENDPOINTS = {
    "catalog": "",
    "window": "text",
    "page": "text",
    "count": "text",
    "upsert": "text",
    "advance_sequences": "text",
    "open_policies": "text",
}
# In the order in which they call each other: SQL functions are checked when they are made.
HELPERS = (
    *("relation", "names", "own_rows", "hold", "columns", "files", "search_path"),
    *("base_type", "key_list", "key_values", "operands", "condition", "slice"),
    *("line", "page_query", "bound_query", "cuts_query"),
    *("given_rows", "marks", "given_values", "same_key", "line_of"),
    *("has_spellings", "upsert_statements"),
    *("compared", "exactly", "refusal", "reading_policies"),
)


def project_migration() -> str:
    """SQL that creates or replaces everything; safe to run again, over any earlier version."""
    names = ", ".join(f"public.supakeep_{name}({given})" for name, given in ENDPOINTS.items())
    return "\n".join(
        (
            sql_text("migration_head.sql"),
            sql_text("storage.sql"),
            sql_text("functions_head.sql"),
            *(sql_text(f"functions/{name}.sql") for name in (*HELPERS, *ENDPOINTS)),
            sql_text("functions_foot.sql").replace("{endpoints}", names),
        )
    )
