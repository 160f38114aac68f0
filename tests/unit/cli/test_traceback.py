from __future__ import annotations

import io

import pytest

from supakeep.cli.traceback import print_traceback

ADDRESS = "postgresql://postgres:p%40ssw0rd@db.example.com:5432/postgres"


@pytest.mark.parametrize(
    ("name", "value", "secrets"),
    [
        ("SUPABASE_SERVICE_ROLE_KEY", "sb_secret_abc", ["sb_secret_abc"]),
        (
            "SIGNING_KEY",
            "a-key-that-signs-manifests-of-backups",
            ["a-key-that-signs-manifests-of-backups"],
        ),
        ("SIGNING_KEYS_OLD", "first-old-key, second-old-key", ["first-old-key", "second-old-key"]),
        ("AGE_IDENTITY", "# mine\nAGE-SECRET-KEY-1ABC", ["AGE-SECRET-KEY-1ABC"]),
        ("AWS_SESSION_TOKEN", "a-token-of-aws", ["a-token-of-aws"]),
        ("COPY_R2_SECRET", "a-key-of-a-copy", ["a-key-of-a-copy"]),
        ("SUPABASE_DB_URL", ADDRESS, ["p%40ssw0rd", "p@ssw0rd"]),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isupper() else "",
)
def test_no_secret_of_the_environment_is_in_a_traceback(
    name: str, value: str, secrets: list[str]
) -> None:
    out = io.StringIO()
    said = f"{value} and {' and '.join(secrets)}"

    print_traceback(ValueError(f"refused: {said}"), out, {name: value})

    assert "ValueError: refused: " in out.getvalue()
    assert not any(secret in out.getvalue() for secret in secrets)
