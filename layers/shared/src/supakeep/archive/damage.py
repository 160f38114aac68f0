"""What is said of a copy whose bytes are not what was written."""

from __future__ import annotations

from collections.abc import Sequence

from supakeep.errors import ChecksumError


def damaged(key: str, why: str, *, others: Sequence[str] | None = None) -> ChecksumError:
    """The error for the object `key`; `why` is a clause, as in "it is missing". `others` are as for
    `another_copy_hint`.
    """
    return ChecksumError(
        f"{key} is damaged: {why}",
        operation="read document",
        key=key,
        hint=another_copy_hint(others),
    )


def another_copy_hint(others: Sequence[str] | None) -> str:
    """Where to look when a copy is damaged: in one of the stores `others`, which were not asked; None
    where nobody knows which there are.
    """
    if others is None:
        return (
            "Use another copy, if there is one (--from and the name of its store), or another backup; "
            "`supakeep list` shows them."
        )
    if not others:
        return "Use another backup; `supakeep list` shows them."
    options = " or ".join(f"--from {name}" for name in others)
    return f"Use another copy ({options}) or another backup; `supakeep list` shows them."
