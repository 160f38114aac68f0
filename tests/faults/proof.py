"""Whether a backup is what it says, found out as docs/format.md describes it and by none of Supakeep's
own code.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

Objects = Mapping[str, bytes]
_MANIFEST = ".manifest.json"


def names_in(objects: Objects) -> list[str]:
    """The backups that a store shows: those with a manifest."""
    return [
        key.removeprefix("daily/").removesuffix(_MANIFEST)
        for key in sorted(objects)
        if key.endswith(_MANIFEST)
    ]


def good_backups(objects: Objects, signing_key: str | None = None) -> set[str]:
    """Those of the store's backups that are complete and verify."""
    return {
        name
        for name in names_in(objects)
        if is_believed(objects, name)
        and says_complete(objects, name)
        and not problems_of(objects, name, signing_key)
    }


def says_complete(objects: Objects, name: str) -> bool:
    return bool(manifest_of(objects, name)["status"] == "complete")


def is_believed(objects: Objects, name: str) -> bool:
    """Whether the manifest is one, by its own checksum; nobody reads on where it is not."""
    try:
        return not _wrong_manifest(manifest_of(objects, name), name, None)
    except (ValueError, KeyError, TypeError):
        return False


def manifest_of(objects: Objects, name: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(objects[f"daily/{name}{_MANIFEST}"])
    return fields


def problems_of(objects: Objects, name: str, signing_key: str | None = None) -> list[str]:
    """What is wrong with a backup; nothing where it verifies."""
    try:
        manifest = manifest_of(objects, name)
        return [
            *_wrong_manifest(manifest, name, signing_key),
            *_wrong_volumes(objects, manifest),
            *_wrong_tables(objects, manifest),
        ]
    except (ValueError, KeyError, TypeError) as exc:
        return [f"{name} cannot be read: {type(exc).__name__}: {exc}"]


def rows_of(objects: Objects, name: str) -> dict[str, list[Any]]:
    """The rows of each table in the document, numbers as texts."""
    volumes = manifest_of(objects, name)["volumes"]
    content = b"".join(objects[volume["key"]] for volume in volumes)
    document = json.loads(content, parse_float=str, parse_int=str)
    return {table: said["rows"] for table, said in document["tables"].items()}


def _wrong_manifest(manifest: dict[str, Any], name: str, signing_key: str | None) -> list[str]:
    fields = {key: value for key, value in manifest.items() if key != "checksum"}
    wrong = []
    if manifest["backup"] != name:
        wrong.append(f"{name}: its manifest is that of {manifest['backup']}")
    if hashlib.sha256(canonical(fields)).hexdigest() != manifest["checksum"]:
        wrong.append(f"{name}: the manifest's checksum is another one")
    if signing_key is not None:
        signature = fields.pop("signature")
        text = b"supakeep manifest\n" + canonical(fields)
        expected = hmac.new(signing_key.encode(), text, hashlib.sha256).hexdigest()
        if signature["value"] != expected:
            wrong.append(f"{name}: the manifest's signature is another one")
    return wrong


def _wrong_volumes(objects: Objects, manifest: dict[str, Any]) -> list[str]:
    wrong = []
    definitions = (manifest.get("definitions") or {}).get("stored")
    files = manifest.get("files") or {"tree": [], "keys": []}
    beside = [*([definitions] if definitions else []), *files["tree"], *files["keys"]]
    for volume in [*manifest["volumes"], *beside]:
        content = objects.get(volume["key"])
        if content is None:
            wrong.append(f"{volume['key']} is missing")
        elif len(content) != volume["bytes"]:
            wrong.append(f"{volume['key']} has {len(content)} bytes, not {volume['bytes']}")
        elif hashlib.sha256(content).hexdigest() != volume["sha256"]:
            wrong.append(f"{volume['key']} has another SHA-256")
    return wrong


def _wrong_tables(objects: Objects, manifest: dict[str, Any]) -> list[str]:
    rows = rows_of(objects, manifest["backup"])
    return [
        f"{table['name']} has {len(rows[table['name']])} rows, not {table['rows']}"
        for table in manifest["tables"]
        if len(rows[table["name"]]) != table["rows"]
    ]


def canonical(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
