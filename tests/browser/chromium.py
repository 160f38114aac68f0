"""The browser of these tests: the Chromium that an npm package ships, or a Chrome that is installed."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Error, sync_playwright

from devstack import PROJECT
from devstack.errors import StackError
from devstack.node import install_node_modules, node_binary
from devstack.processes.locks import locked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Playwright

HERE = Path(__file__).parent
UNPACKED = PROJECT / "build/chromium"
CHROME = "SUPAKEEP_CHROME"
UNPACK = """
import chromium from "@sparticuz/chromium";
console.log(JSON.stringify({ path: await chromium.executablePath(), args: chromium.args }));
"""
# What the package switches off for scraping, and these tests look for; one process falls with its first page.
UNWANTED = (
    "--disable-web-security",
    "--allow-running-insecure-content",
    "--single-process",
    "--headless",
    # and what draws in software as a graphics card does: without one, plain drawing takes half the time
    "--ignore-gpu-blocklist",
    "--in-process-gpu",
    "--use-gl",
    "--use-angle",
)


class NoBrowserError(Exception):
    """No browser could be started. It is an error of every test, since a skip would hide the gap."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser, or NoBrowserError."""
    with sync_playwright() as playwright:
        browser = start(playwright)
        yield browser
        browser.close()


def start(playwright: Playwright) -> Browser:
    """The Chrome that the variable names; else the packaged Chromium where it can run (Linux on x64);
    else an installed Chrome. A named one that does not start is not replaced by another.
    """
    named = os.environ.get(CHROME)
    if named:
        return launch_named(playwright, named)
    ways = {"the Chromium from npm": launch_packaged, "an installed Chrome": launch_installed}
    problems = []
    for name, launch in ways.items():
        try:
            return launch(playwright)
        except (Error, StackError, OSError, subprocess.SubprocessError) as error:
            problems.append(f"- {name}: {_first_line(error)}")
    raise NoBrowserError(
        f"No browser started, so nothing on the page was tested. Set {CHROME} to the path of a Chrome "
        "or Chromium. What was tried:\n" + "\n".join(problems)
    )


def launch_named(playwright: Playwright, path: str) -> Browser:
    try:
        return playwright.chromium.launch(executable_path=path)
    except Error as error:
        raise NoBrowserError(
            f"{CHROME} is {path}, which does not start: {_first_line(error)}"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def launch_packaged(playwright: Playwright) -> Browser:
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise Error(f"it is for Linux on x64, and this is {sys.platform} on {platform.machine()}")
    path, arguments = unpack()
    return playwright.chromium.launch(executable_path=path, args=arguments)


def launch_installed(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(channel="chrome")


def unpack() -> tuple[str, list[str]]:
    """Where Chromium lies, unpacked on the first call, and the arguments that it needs."""
    install_node_modules(HERE)
    UNPACKED.mkdir(parents=True, exist_ok=True)
    with locked(UNPACKED.with_suffix(".lock")):
        answer = subprocess.run(
            [node_binary(), "--input-type=module", "--eval", UNPACK],
            cwd=HERE, env=os.environ | {"TMPDIR": str(UNPACKED)},
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
    found = json.loads(answer.stdout)
    wanted = [a for a in found["args"] if not a.startswith(UNWANTED)]
    return found["path"], [*wanted, "--disable-gpu"]
