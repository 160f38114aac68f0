"""What is said of a copy whose bytes are not what was written."""

from __future__ import annotations

from supakeep.domain.copies import MIRROR, PRIMARY
from supakeep.errors import ChecksumError

_OTHER_COPIES = {PRIMARY: f"--from {MIRROR}", MIRROR: f"--from {PRIMARY}"}


def damaged(key: str, why: str, *, read_from: str) -> ChecksumError:
    """The error for the object `key` in the store `read_from`; `why` is a clause, as in "it is
    missing".
    """
    return ChecksumError(
        f"{key} is damaged: {why}",
        operation="read document",
        key=key,
        hint=another_copy_hint(read_from),
    )


def another_copy_hint(read_from: str | None) -> str:
    """Where to look when the copy in this store is damaged; None where every copy was read."""
    if read_from is None:
        return "Use another backup; `supakeep list` shows them."
    other = _OTHER_COPIES.get(read_from)
    copy = f"another copy, if there is one ({other})," if other else "another copy"
    return f"Use {copy} or another backup; `supakeep list` shows them."
