"""Holds that a released migration stays as it was; `python -m devstack.supabase.released_migrations`.

`supabase db push` applies a migration once, so an edit would never reach a project that has it.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from typing import TYPE_CHECKING

from devstack import PROJECT
from devstack.supabase.migrations import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

# In the form of `sha256sum`. A migration that is not listed has not been released and may change.
RELEASED = PROJECT / "supabase/released-migrations.sha256"


def main() -> int:
    """Checks the released migrations, or adds the new ones; 1 where one was changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--add", action="store_true", help="list the new ones: a release does this")
    add = parser.parse_args().add
    changed = changed_migrations()
    for name in changed:
        print(
            f"error: {name} was released and must not change\n"
            f"hint: Restore it (git checkout) and put the change into a new migration.",
            file=sys.stderr,
        )
    if add and not changed:
        RELEASED.write_text("".join(f"{digest}  {name}\n" for name, digest in digests().items()))
    return 1 if changed else 0


def changed_migrations(folder: Path = FOLDER) -> list[str]:
    """The names of the released migrations that were edited, renamed or deleted since."""
    present = digests(folder)
    return [name for name, digest in released().items() if present.get(name) != digest]


def released() -> dict[str, str]:
    """The SHA-256 of each released migration, by file name."""
    lines = (line.split() for line in RELEASED.read_text().splitlines())
    return {name: digest for digest, name in lines}


def digests(folder: Path = FOLDER) -> dict[str, str]:
    """The SHA-256 of each migration in a folder, by file name, in the order of their versions."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.glob("*.sql"))
    }


if __name__ == "__main__":
    sys.exit(main())
