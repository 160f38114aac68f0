"""The keys that `make dev` leaves for a shell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from devstack import dev

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "postgresql://postgres@127.0.0.1:5432/postgres"


def test_a_command_chooses_its_engine_whatever_the_functions_use(tmp_path: Path) -> None:
    stack = SimpleNamespace(
        environment=lambda: {"ADMIN_KEY": "key", "SUPABASE_DB_URL": ADDRESS},
        database_url=ADDRESS,
        api_url="http://127.0.0.1:8000",
    )

    dev.write_environment(stack, tmp_path / ".env")  # type: ignore[arg-type]

    names = {line.partition("=")[0] for line in (tmp_path / ".env").read_text().splitlines()}
    assert names == {"ADMIN_KEY", "DATABASE_URL", "SUPAKEEP_API_URL"}
