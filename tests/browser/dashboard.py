"""The dashboard as a person uses it: by what stands on the page."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

    from tests.e2e.deployment import Deployment

PATH = "/admin/dashboard"
# the functions start cold, and the machine may be busy
PATIENCE_MILLISECONDS = 20_000
# pixels that stand out of the window to the right
OVERFLOW = "document.documentElement.scrollWidth - window.innerWidth"

expect.set_options(timeout=PATIENCE_MILLISECONDS)


class Dashboard:
    """One tab. `problems` are what its console reported, except for what `tolerated` names."""

    def __init__(self, page: Page, supakeep: Deployment) -> None:
        self.page = page
        self.supakeep = supakeep
        self.address = f"{supakeep.stack.api_url}{PATH}"
        self.tolerated: list[str] = []
        self.hosts: set[str] = set()
        self._reported: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self._reported.append(str(error)))
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._reported.append(message.text)

    @property
    def problems(self) -> list[str]:
        return [p for p in self._reported if not any(known in p for known in self.tolerated)]

    def open(self, view: str = "") -> Dashboard:
        """A view, signed in."""
        self.page.goto(f"{self.address}#/{view}")
        self.page.locator("#key, main h1").first.wait_for()
        if self.key_field.count():
            self.sign_in()
        return self.settle()

    def sign_in(self, key: str | None = None) -> None:
        self.key_field.fill(self.supakeep.stack.admin_key if key is None else key)
        self.page.keyboard.press("Enter")

    def settle(self) -> Dashboard:
        """Waits until the view has what it asked for."""
        self.page.locator("main h1").wait_for()
        expect(self.page.locator(".loading")).to_have_count(0)
        return self

    @property
    def key_field(self) -> Locator:
        return self.page.get_by_label("Admin key")

    @property
    def main(self) -> Locator:
        return self.page.locator("main")

    def click(self, name: str) -> None:
        """A button of this name, in the topmost dialog if there is one."""
        dialog = self.page.locator("dialog[open]")
        place = dialog if dialog.count() else self.page.locator("body")
        place.get_by_role("button", name=name, exact=True).click()

    def go(self, link: str) -> Dashboard:
        self.page.get_by_role("link", name=link, exact=True).first.click()
        return self.settle()

    def shows(self, text: str) -> None:
        expect(self.main).to_contain_text(text)

    def trigger(self) -> None:
        self.click("Trigger Backup")
        self.click("Back up")

    def compare(self) -> None:
        """The wizard's dry run."""
        self.click("Show what would change")
        self.shows("What would change")
        expect(self.page.get_by_role("button", name="Show what would change")).to_be_enabled()

    def choose_only(self, table: str) -> None:
        """Of the wizard's tables."""
        self.click("None")
        self.page.get_by_label(table).check()

    def open_options(self) -> None:
        self.page.get_by_text("Only some rows, another schema, dropped columns").click()

    def choose_rows(self, column: str, value: str) -> None:
        self.open_options()
        self.page.get_by_label("Only rows where").select_option(column)
        self.page.get_by_label("has the value").fill(value)

    def confirm(self, button: str, *, schema: str | None = None) -> None:
        """`schema` is where the rows go, if that is not their own."""
        destination = self.supakeep.stack.destination
        self.page.get_by_label("Type").fill(f"{destination}/{schema}" if schema else destination)
        self.click(button)

    def lose_key(self) -> None:
        """As if somebody had replaced the key: the one that this tab keeps opens nothing any more."""
        self.tolerated.append("401")
        self.page.evaluate("Object.keys(sessionStorage).forEach(k => sessionStorage[k] = 'old')")


@contextmanager
def tab(browser: Browser, supakeep: Deployment, **options: object) -> Iterator[Dashboard]:
    """A browser of its own with one tab, of which the console must report nothing."""
    settings = {"viewport": {"width": 1280, "height": 900}, **options}
    context = browser.new_context(**settings)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    opened = Dashboard(context.new_page(), supakeep)
    try:
        yield opened
        assert opened.problems == []
        assert opened.hosts <= {supakeep.stack.api_url.removeprefix("http://"), ""}
    finally:
        context.close()
