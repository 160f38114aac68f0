"""What to do about an error, where it is the same for every store."""

from __future__ import annotations

MISSING_OBJECT_HINT = (
    "Use another copy (--from and the name of its store) or another backup: `supakeep list` shows what is "
    "where."
)
TAKEN_KEY_HINT = (
    "Objects are never overwritten, and another run may have written this one (`supakeep runs`). Start a "
    "new backup, which gets a name of its own."
)
