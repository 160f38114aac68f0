"""The Lambda runtime's two halves: AWS's emulator of the service and its Python client."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

from devstack import PROJECT
from devstack.errors import StackError
from devstack.processes.locks import locked

REQUIREMENTS = Path(__file__).with_name("requirements-rie.txt")
BUILD = PROJECT / "build"
ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
# The runtime's client and all it imports.
CLIENT_DISTRIBUTIONS = ("awslambdaric", "simplejson", "snapshot-restore-py")


def why_not_emulated() -> str | None:
    """Why the emulator cannot run here, None if it can; SUPAKEEP_RUNTIME=process rules it out."""
    if os.environ.get("SUPAKEEP_RUNTIME") == "process":
        return "SUPAKEEP_RUNTIME=process asks for a plain process"
    if sys.platform != "linux" or platform.machine().lower() not in ARCHITECTURES:
        return (
            f"the Lambda runtime emulator does not run on {platform.system()} {platform.machine()}"
        )
    return None


def emulator(folder: Path = BUILD / "rie") -> Path:
    """The emulator for this machine, fetched into `folder` unless it is there.

    SAM CLI's wheel carries it; only the emulator is kept of it.

    Raises:
        StackError: it could not be installed.
    """
    architecture = ARCHITECTURES[platform.machine().lower()]
    version = REQUIREMENTS.read_text().partition("aws-sam-cli==")[2].split()[0]
    binary = folder / f"aws-lambda-rie-{version}-{architecture}"
    with locked(folder / ".lock"):
        if not binary.exists():
            _install(folder / "wheel", architecture, binary)
    return binary


def _install(target: Path, architecture: str, binary: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    installed = subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--root-user-action=ignore", "--no-deps", "--no-compile", "--only-binary=:all:",
            "--require-hashes", "--target", target, "--requirement", REQUIREMENTS,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if installed.returncode:
        raise StackError(f"the Lambda runtime emulator could not be installed:\n{installed.stderr}")
    shutil.move(target / f"samcli/local/rapid/aws-lambda-rie-{architecture}", binary)
    binary.chmod(0o755)
    shutil.rmtree(target)


def runtime_client(folder: Path) -> Path:
    """A folder with nothing but the runtime's client in it, to be put on PYTHONPATH.

    The functions run without this environment's other packages, so that one which the layer lacks
    is missed here as it would be when deployed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in CLIENT_DISTRIBUTIONS:
        installed = distribution(name)
        for top in sorted(
            {file.parts[0] for file in installed.files or () if file.parts[0] != ".."}
        ):
            link = folder / top
            if not link.is_symlink():
                link.symlink_to(Path(str(installed.locate_file(top))))
    return folder
