from __future__ import annotations

import io

import pytest

from supakeep.errors import ConfigurationError
from supakeep.settings.rebuild_database import rebuild_database

URL = "postgresql://postgres:secret@localhost:6543/new"


def test_the_address_comes_from_the_environment() -> None:
    assert rebuild_database(None, {"REBUILD_DB_URL": URL}) == (URL, "localhost:6543/new")


def test_the_address_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{URL}\nmore"))

    assert rebuild_database("-", {}) == (URL, "localhost:6543/new")


def test_an_option_without_a_password_is_taken() -> None:
    url = "postgresql://postgres@localhost/new"

    assert rebuild_database(url, {"REBUILD_DB_URL": URL}) == (url, "localhost/new")


@pytest.mark.parametrize(
    ("into", "values", "message"),
    [
        (None, {}, "REBUILD_DB_URL is not set"),
        (URL, {}, "--into has a password"),
        ("postgresql://u@localhost/new?password=secret", {}, "--into has a password"),
        ("https://secret", {}, "REBUILD_DB_URL does not start with postgresql://"),
        ("postgresql://u:secret%zz@localhost/new", {}, "percent-encoded"),
    ],
)
def test_what_is_refused_shows_no_password(
    into: str | None, values: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        rebuild_database(into, values)

    assert message in refused.value.message
    assert "secret" not in f"{refused.value.message} {refused.value.hint}"
