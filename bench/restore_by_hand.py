"""The drill that people do with PostgreSQL's own tools: a server of its own, pg_restore, pg_dump, and away with it.

Run as a program: `restore_by_hand.py DUMP`, where DUMP is a folder that pg_dump has written.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from devstack.processes.children import Children, essential_environment
from devstack.supabase.postgres import SETTINGS, remove_cluster, start_postgres


def main(dump: Path) -> None:
    """Raises CalledProcessError where a program fails."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        try:
            with Children(folder) as children:
                server = start_postgres(children, folder / "cluster", settings=SETTINGS)
                url = server.url("supabase_admin")
                again = folder / "again.dump"
                restore = ["pg_restore", "--clean", "--if-exists", "--jobs=2", "--exit-on-error"]
                _run(server.binaries, [*restore, f"--dbname={url}", str(dump)])
                _run(
                    server.binaries,
                    ["pg_dump", "--format=custom", "--no-sync", f"--file={again}", url],
                )
        finally:
            remove_cluster(folder / "cluster")


def _run(binaries: Path, command: list[str]) -> None:
    program, *options = command
    subprocess.run([binaries / program, *options], env=essential_environment(), check=True)  # noqa: S603


if __name__ == "__main__":
    main(Path(sys.argv[1]))
