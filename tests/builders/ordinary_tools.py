"""The programs with which docs/format.md restores a backup: this machine's own, or a stand-in for each
that it lacks, so that no test is left out.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from devstack import PROJECT
from devstack.node import install_node_modules, node_binary
from devstack.supabase.postgres import find_binaries

_SCRIPTS = PROJECT / "tests/tools"
_JQ = '''#!{python}
"""jq's command line over libjq, as far as docs/format.md uses it."""
import json, sys
import jq

flags, words = set(), []
arguments = iter(sys.argv[1:])
for word in arguments:
    if word == "-f":
        words.append(open(next(arguments), encoding="utf-8").read())
    elif word.startswith("-"):
        flags |= set(word[1:])
    else:
        words.append(word)
program, *files = words
file = open(files[0], encoding="utf-8") if files else sys.stdin
for value in jq.compile(program).input_text(file.read()):
    plain = isinstance(value, str) and flags & set("rj")
    text = value if plain else json.dumps(
        value, sort_keys="S" in flags, ensure_ascii="a" in flags, separators=(",", ":"))
    sys.stdout.write(text + ("" if "j" in flags else "\\n"))
'''


def path_with_tools(folder: Path) -> str:
    """A PATH with psql, jq, zstd and age; stand-ins are written into `folder`."""
    scripts = {"jq": _JQ.format(python=sys.executable)}
    scripts |= {name: _node_script(name) for name in ("zstd", "age")}
    for name, script in scripts.items():
        if shutil.which(name) is None:
            (folder / name).write_text(script)
            (folder / name).chmod(0o755)
    if (folder / "age").exists():
        install_node_modules(_SCRIPTS)
    return os.pathsep.join([str(folder), str(find_binaries(None)), os.environ["PATH"]])


def _node_script(name: str) -> str:
    return f'#!/bin/sh\nexec "{node_binary()}" "{_SCRIPTS / name}.mjs" "$@"\n'
