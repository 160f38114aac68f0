from __future__ import annotations

import pytest

from supakeep.domain.project_ref import hosted_project_ref, validated_project_ref
from supakeep.errors import ConfigurationError


@pytest.mark.parametrize(
    "url",
    [
        "https://abcdefghijklmnopqrst.supabase.co",
        "https://abcdefghijklmnopqrst.supabase.co/",
        "  https://abcdefghijklmnopqrst.supabase.co\n",
    ],
)
def test_the_project_ref_comes_from_a_hosted_projects_url(url: str) -> None:
    assert hosted_project_ref(url) == "abcdefghijklmnopqrst"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "abcdefghijklmnopqrst",
        "http://abcdefghijklmnopqrst.supabase.co",
        "https://abcdefghijklmnopqrst.supabase.co.evil.example",
        "https://evil.example/abcdefghijklmnopqrst.supabase.co",
        "https://supabase.co",
        "https://.supabase.co",
        "https://db.example.com",
        "postgresql://postgres@db.abcdefghijklmnopqrst.supabase.co:5432/postgres",
    ],
)
def test_any_other_url_has_no_ref(url: str) -> None:
    assert hosted_project_ref(url) is None


@pytest.mark.parametrize("ref", ["", "UPPER", "a_b", "a/b", "..", "-a", "a" * 64, "ä", "a\n"])
def test_a_project_ref_that_cannot_be_part_of_a_name_is_refused(ref: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a project ref"):
        validated_project_ref(ref)
