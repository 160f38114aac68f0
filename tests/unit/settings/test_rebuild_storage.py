"""Where a rebuild brings files back to."""

from __future__ import annotations

import pytest

from supakeep.errors import ConfigurationError
from supakeep.settings.rebuild_storage import rebuild_storage

URL, KEY = "https://new.supabase.co", "sb_secret_x"


def test_both_settings_name_the_storage_and_none_names_no_storage() -> None:
    given = {"REBUILD_SUPABASE_URL": f" {URL} ", "REBUILD_SERVICE_ROLE_KEY": KEY}

    assert rebuild_storage(given) == (URL, KEY)
    assert rebuild_storage({}) is None


@pytest.mark.parametrize(
    ("url", "key", "message"),
    [
        (URL, "", "REBUILD_SERVICE_ROLE_KEY is not"),
        ("", KEY, "REBUILD_SUPABASE_URL is not"),
        ("http://new.supabase.co", KEY, "http://"),
        ("postgresql://new", KEY, "Could not extract project ref"),
    ],
)
def test_half_a_setting_or_a_wrong_one_is_refused(url: str, key: str, message: str) -> None:
    values = {"REBUILD_SUPABASE_URL": url, "REBUILD_SERVICE_ROLE_KEY": key}

    with pytest.raises(ConfigurationError, match=message) as refused:
        rebuild_storage(values)

    assert KEY not in f"{refused.value} {refused.value.hint}"
