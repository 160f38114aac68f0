"""Where the installed `supakeep` begins."""

from __future__ import annotations

import gc
import sys

_INTERRUPTED = 130
# what the extra `cli` installs; the functions do without it
_EXTRA = ("typer", "rich")
# httpx loads its own command line wherever rich is installed: a seventh of the time that a short command takes
_UNUSED = "httpx._main"


def main() -> int:
    """Runs the command line and returns the exit code."""
    sys.modules.setdefault(_UNUSED, None)  # type: ignore[arg-type] # what may not be imported
    try:
        return _run()
    except KeyboardInterrupt:
        # while modules load; a command says it by itself
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED
    finally:
        # Python's last collection would walk through all modules before it frees them: a fifth of
        # the time that a short command takes
        gc.freeze()


def _run() -> int:
    try:
        from supakeep.cli.main import main as command_line
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        print(
            f"error: The command line needs {error.name}, which is not installed\n"
            "hint: Install Supakeep with its extra: the wheel's file or the folder, with [cli] behind it",
            file=sys.stderr,
        )
        return 1
    return command_line()
