"""The dashboard: a page and its assets, served as they are. It knows no rule; the API answers it."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files

_IMPORT = re.compile(r'^import .* from "(?P<path>[./\w]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=async |function |const |class )", re.MULTILINE)


@cache
def page() -> str:
    """The page, which names its assets by the version of their content."""
    content = style() + script()
    version = hashlib.sha256(content.encode()).hexdigest()[:12]
    return _text("index.html").replace("{version}", version)


@cache
def style() -> str:
    return _text("style.css")


@cache
def script() -> str:
    """All modules as one, each after those that it imports.

    A page of seventeen requests would start as many functions at once. No two modules use the same
    name at their top level; a browser refuses the script otherwise.
    """
    modules: dict[str, str] = {}
    _add_module("app.js", modules)
    return "".join(modules.values())


def _add_module(path: str, modules: dict[str, str]) -> None:
    if path in modules:
        return
    text = _text(path)
    for found in _IMPORT.finditer(text):
        _add_module(_resolved(path, found["path"]), modules)
    modules[path] = _EXPORT.sub("", _IMPORT.sub("", text))


def _resolved(importing: str, path: str) -> str:
    """`../dom.js` as seen from `views/run.js` is `dom.js`."""
    folders = importing.split("/")[:-1]
    for step in path.split("/"):
        if step == "..":
            folders.pop()
        elif step != ".":
            folders.append(step)
    return "/".join(folders)


def _text(path: str) -> str:
    return files(__name__).joinpath(path).read_text(encoding="utf-8")
