"""Whether a store has the files that a backup names, found out as docs/format.md describes it and by none of
Supakeep's own code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tests.faults.proof import Objects, manifest_of


def problems_of_files(objects: Objects, name: str, store: str) -> list[str]:
    """What is wrong with the files of the backup in the store of this name, which may hold none."""
    files = manifest_of(objects, name).get("files")
    if not files or store not in files["copies"]:
        return []
    named = {line["key"] for line in _lines(objects, files) if "key" in line}
    return [
        *(problem for key in sorted(named) for problem in _wrong_object(objects, key)),
        *(f"{key} is named in one list only" for key in sorted(named ^ _keys(objects, files))),
    ]


def files_of(objects: Objects, name: str) -> dict[str, bytes]:
    """The files of the backup in a copy that has them, by bucket and name."""
    files = manifest_of(objects, name)["files"] or {"tree": []}
    return {
        f"{line['bucket']}/{line['name']}": objects[line["key"]]
        for line in _lines(objects, files)
        if "key" in line
    }


def _lines(objects: Objects, files: Mapping[str, Any]) -> list[dict[str, Any]]:
    parsed = [json.loads(line) for line in _content(objects, files["tree"]).splitlines()]
    return [line["file"] for line in parsed if "file" in line]


def _keys(objects: Objects, files: Mapping[str, Any]) -> set[str]:
    lines = _content(objects, files["keys"]).decode().splitlines()
    return {line.rpartition(" ")[0] for line in lines}


def _content(objects: Objects, volumes: list[dict[str, Any]]) -> bytes:
    return b"".join(objects[volume["key"]] for volume in volumes)


def _wrong_object(objects: Objects, key: str) -> list[str]:
    """In the same words whether it is missing or has another content: one is no worse than the other."""
    content = objects.get(key)
    is_right = content is not None and hashlib.sha256(content).hexdigest() == key.rpartition(".")[2]
    return [] if is_right else [f"{key} is missing or damaged"]
