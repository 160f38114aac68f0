"""Which browser the browser tests take, and what they say where there is none."""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from playwright.sync_api import Error

from devstack.errors import StackError
from tests.browser import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

PACKAGED = "/packaged/chromium"
NAMED = "/opt/my-chrome"


@dataclass
class BrowsersOfAMachine:
    """Stands for Playwright on a machine where only `installed` starts; `tried` is what was asked for."""

    installed: tuple[str, ...] = ()
    tried: list[str] = field(default_factory=list)

    @property
    def chromium(self) -> BrowsersOfAMachine:
        return self

    def launch(self, **options: Any) -> str:
        asked: str = options.get("executable_path") or options["channel"]
        self.tried.append(asked)
        if asked not in self.installed:
            raise Error(f"{asked} is not there\nand the log of a browser follows")
        return asked


@pytest.fixture(autouse=True)
def linux_on_x64(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the package from npm, and no browser that is named."""
    monkeypatch.delenv(chromium.CHROME, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(chromium, "unpack", lambda: (PACKAGED, []))


def started(browsers: BrowsersOfAMachine) -> str:
    return cast("str", chromium.start(cast("Playwright", browsers)))


def test_the_packaged_chromium_goes_before_an_installed_one() -> None:
    browsers = BrowsersOfAMachine(installed=(PACKAGED, "chrome"))

    assert started(browsers) == PACKAGED
    assert browsers.tried == [PACKAGED]


def test_a_named_browser_goes_before_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(chromium.CHROME, NAMED)
    browsers = BrowsersOfAMachine(installed=(NAMED, PACKAGED, "chrome"))

    assert started(browsers) == NAMED
    assert browsers.tried == [NAMED]


def test_a_named_browser_that_does_not_start_is_not_replaced_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(chromium.CHROME, NAMED)
    browsers = BrowsersOfAMachine(installed=(PACKAGED, "chrome"))

    with pytest.raises(
        chromium.NoBrowserError, match=f"is {NAMED}, which does not start: .* not there"
    ):
        started(browsers)
    assert browsers.tried == [NAMED]


@pytest.mark.parametrize(("system", "processor"), [("darwin", "arm64"), ("linux", "aarch64")])
def test_elsewhere_than_on_linux_on_x64_it_is_an_installed_chrome(
    monkeypatch: pytest.MonkeyPatch, system: str, processor: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: processor)
    browsers = BrowsersOfAMachine(installed=(PACKAGED, "chrome"))

    assert started(browsers) == "chrome"
    assert browsers.tried == ["chrome"]


@pytest.mark.parametrize(
    "failure",
    [subprocess.CalledProcessError(1, "node"), FileNotFoundError("node"), StackError("npm failed")],
    ids=["node fails", "there is no node", "npm fails"],
)
def test_a_package_that_cannot_be_unpacked_leaves_an_installed_chrome(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def unpack() -> tuple[str, list[str]]:
        raise failure

    monkeypatch.setattr(chromium, "unpack", unpack)

    assert started(BrowsersOfAMachine(installed=("chrome",))) == "chrome"


def test_without_any_browser_it_fails_and_says_what_was_tried_and_what_to_set() -> None:
    with pytest.raises(chromium.NoBrowserError) as raised:
        started(BrowsersOfAMachine())

    assert str(raised.value).splitlines() == [
        (
            "No browser started, so nothing on the page was tested. Set SUPAKEEP_CHROME to the path "
            "of a Chrome or Chromium. What was tried:"
        ),
        f"- the Chromium from npm: {PACKAGED} is not there",
        "- an installed Chrome: chrome is not there",
    ]
