"""The tables of Supabase Auth that let people log in again, and how one user is found in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from supakeep.domain.schema import Catalog, Table
from supakeep.errors import DatabasePermissionError, ExportError, SupakeepError

AUTH_SCHEMA = "auth"
USERS = "auth.users"
EVERY_USER = "all"

# by table, the column that says whose row it is; what belongs to the project and not to a user has none
_OWNERS: dict[str, str | None] = {
    "users": "id",
    "identities": "user_id",
    "mfa_factors": "user_id",
    "webauthn_credentials": "user_id",
    "oauth_consents": "user_id",
    "oauth_clients": None,
    "custom_oauth_providers": None,
    "sso_providers": None,
    "sso_domains": None,
    "saml_providers": None,
}
# people remove their second factors one by one; that they all lose their accounts is an accident
_WATCHED = ("users", "identities")


@dataclass(frozen=True)
class FoundUsers:
    """The names of the tables that a backup takes; `error` says what keeps it from the others."""

    tables: tuple[str, ...]
    error: SupakeepError | None = None


def holds_users(table: Table) -> bool:
    """Whether it is one of those that `[backup] auth` takes."""
    return is_users_table(table.schema_name, table.name)


def is_users_table(schema: str, name: str) -> bool:
    """The same, by the table's names. Sessions and tokens are not among them: people log in again."""
    return schema == AUTH_SCHEMA and name in _OWNERS


def owner_column(table: Table) -> str | None:
    """The column that says which user a row belongs to; None where it belongs to the project."""
    return _OWNERS[table.name] if holds_users(table) else None


def may_lose_rows(table: Table) -> bool:
    """Whether nobody has to be told when this table of users is empty."""
    return holds_users(table) and table.name not in _WATCHED


def find_users(catalog: Catalog) -> FoundUsers:
    """The tables of users that the role may read in full."""
    there = [table for table in catalog.tables.values() if holds_users(table)]
    if catalog.find(AUTH_SCHEMA, "users") is None:
        return FoundUsers((), _no_users())
    hidden = [table for table in there if not table.readable or table.rows_hidden]
    names = tuple(table.qualified_name for table in there if table not in hidden)
    return FoundUsers(names, _hidden(hidden, catalog.role) if hidden else None)


def _no_users() -> ExportError:
    return ExportError(
        f"The users are not in this backup: the database has no table {USERS}",
        operation="export",
        key=USERS,
        hint="In a database that is not a Supabase project's, write auth = false under [backup] in "
        "supakeep.toml.",
    )


def _hidden(tables: Iterable[Table], role: str) -> DatabasePermissionError:
    names = ", ".join(table.qualified_name for table in tables)
    return DatabasePermissionError(
        f"The users are not whole in this backup: {role} may not read {names}",
        operation="export",
        key=USERS,
        hint="Use the role postgres of the project, or write auth = false under [backup] in "
        "supakeep.toml.",
    )
