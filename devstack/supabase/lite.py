"""Supabase Lite: the Data API and Storage of a Supabase project, on the local PostgreSQL."""

from __future__ import annotations

import hashlib
import secrets
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from devstack.node import install_node_modules, node_binary
from devstack.processes.children import essential_environment
from devstack.processes.ports import free_port, wait_until

if TYPE_CHECKING:
    from devstack.processes.children import Child, Children

HERE = Path(__file__).parent
ENTRY = Path("node_modules/@supabase/lite/dist/cli/index.js")

# What a hosted project's role `authenticator` allows every request (roles.sql).
STATEMENT_SECONDS = 8

CONFIG = """\
[api]
port = {port}
schemas = [{schemas}]
max_rows = 1000

[db]
driver = "postgres"
url = "env(LITE_DATABASE_URL)"

[auth]
enabled = true
jwt_secret = "env(LITE_JWT_SECRET)"
publishable_key = "env(SUPABASE_PUBLISHABLE_KEY)"
secret_key = "env(SUPABASE_SECRET_KEY)"

[storage]
enabled = true
file_size_limit = "{file_size_limit}"
"""


@dataclass(frozen=True)
class SupabaseLite:
    """A running Supabase Lite; `secret_key` is what a hosted project calls a secret key."""

    url: str
    secret_key: str = field(repr=False)
    publishable_key: str
    storage_folder: Path
    child: Child


def start_supabase_lite(  # noqa: PLR0913 - all but three have a good default
    children: Children,
    folder: Path,
    database_url: str,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    schemas: tuple[str, ...] = ("public",),
    file_size_limit: str = "50MiB",
) -> SupabaseLite:
    """Starts Supabase Lite.

    Args:
        children: stops it in the end.
        folder: its own folder; configuration and the stored objects go there.
        database_url: a superuser's address of a database; Lite makes its schemas there.
        host: where to listen; only this machine can reach the default.
        port: without it a free one.
        schemas: those that the Data API exposes.
        file_size_limit: the largest object that Storage takes, `50MiB` as on the free plan.
    """
    install_node_modules(HERE)
    port = port or free_port()
    publishable, secret = new_key("sb_publishable_"), new_key("sb_secret_")
    _write_config(folder, port, schemas, file_size_limit)
    child = children.start(
        "supabase-lite",
        _command(host),
        environment=_environment(database_url, publishable, secret),
        folder=folder,
    )
    storage = folder / "supabase/.temp/storage"
    lite = SupabaseLite(f"http://127.0.0.1:{port}", secret, publishable, storage, child)
    _wait_until_ready(lite)
    return lite


def _write_config(folder: Path, port: int, schemas: tuple[str, ...], file_size_limit: str) -> None:
    exposed = ", ".join(f'"{schema}"' for schema in schemas)
    (folder / "supabase").mkdir(parents=True, exist_ok=True)
    (folder / "supabase/config.toml").write_text(
        CONFIG.format(port=port, schemas=exposed, file_size_limit=file_size_limit)
    )


def _command(host: str) -> list[str | Path]:
    return [
        node_binary(),
        "--import",
        HERE / "redact.mjs",
        "--import",
        HERE / "reload_schema.mjs",
        "--import",
        HERE / "attachments.mjs",
        HERE / ENTRY,
        "start",
        # admin mode, on by default, would treat requests without a key as service_role
        "--no-admin",
        "--host",
        host,
    ]


def _environment(database_url: str, publishable_key: str, secret_key: str) -> dict[str, str]:
    return essential_environment() | {
        # It logs in as a superuser and not as authenticator, whose time limit it would have when hosted.
        "LITE_DATABASE_URL": f"{database_url}?statement_timeout={STATEMENT_SECONDS * 1000}",
        "LITE_JWT_SECRET": secrets.token_urlsafe(48),
        "LITE_TELEMETRY": "0",
        "EXPERIMENTAL_STORAGE": "1",
        "SUPABASE_PUBLISHABLE_KEY": publishable_key,
        "SUPABASE_SECRET_KEY": secret_key,
    }


def _wait_until_ready(lite: SupabaseLite) -> None:
    wait_until(lambda: answers(lite, "/rest/v1/"), lite.child)
    # At its first request for data, Lite grants all rights on every schema with row level security.
    # A request before any migration limits that to its own schemas and leaves `public` to the migrations.
    wait_until(lambda: answers(lite, "/storage/v1/bucket"), lite.child)


def new_key(prefix: str) -> str:
    """An API key in the hosted form: 22 random characters, `_`, 8 of a checksum."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    body = "".join(secrets.choice(alphabet) for _ in range(22))
    return f"{prefix}{body}_{hashlib.sha256(body.encode()).hexdigest()[:8]}"


def answers(lite: SupabaseLite, path: str) -> bool:
    """Whether it serves a path with its key."""
    request = urllib.request.Request(  # noqa: S310 - an address of our own making
        f"{lite.url}{path}", headers={"apikey": lite.secret_key, "user-agent": "supakeep-local"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
            return bool(response.status == HTTPStatus.OK)
    except (urllib.error.URLError, OSError):
        return False
