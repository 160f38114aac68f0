"""`supakeep` as a shell starts it, in processes that fork from one which has loaded it: a start of Python takes
more time than most commands do. tests/integration/test_wheel.py and test_terminal.py start the real program.
"""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

# answers each line, which describes a command, with the command's exit code
_FORK_EACH = """
import json, os, sys
from supakeep.cli import entry, main
import boto3, httpx, psycopg
import supakeep.databases.postgres.database, supakeep.runs.dynamodb
import supakeep.stores.s3, supakeep.stores.supabase_storage
for line in sys.stdin:
    command = json.loads(line)
    child = os.fork()
    if not child:
        os.environ.clear()
        os.environ.update(command["environment"])
        os.chdir(command["folder"])
        for number, path in enumerate((os.devnull, command["out"], command["err"])):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
        sys.argv[1:] = command["arguments"]
        sys.exit(entry.main())
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def run_supakeep(
    *arguments: str, environment: Mapping[str, str], folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the command in a process of its own, with nothing to read, and waits for its end."""
    with tempfile.TemporaryDirectory() as answers:
        out, err = Path(answers, "out"), Path(answers, "err")
        command = {
            "arguments": arguments,
            "environment": dict(environment),
            "folder": str(folder or Path.cwd()),
            "out": str(out),
            "err": str(err),
        }
        code = _answer_to(json.dumps(command))
        return subprocess.CompletedProcess(
            ["supakeep", *arguments], code, out.read_text(), err.read_text()
        )


def _answer_to(line: str) -> int:
    running = _loaded()
    assert running.stdin is not None
    assert running.stdout is not None
    print(line, file=running.stdin, flush=True)
    return int(running.stdout.readline())


@cache
def _loaded() -> subprocess.Popen[str]:
    running = subprocess.Popen(
        [sys.executable, "-c", _FORK_EACH],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(running.communicate)
    return running
