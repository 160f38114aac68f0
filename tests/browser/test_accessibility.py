"""axe finds nothing on any view, in both themes; each view fits a phone; keys alone are enough."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.chromium import HERE
from tests.browser.dashboard import OVERFLOW
from tests.browser.history import held_up, live_for_weeks
from tests.browser.screenshots import forms, steps_of_a_restore, views

if TYPE_CHECKING:
    from tests.browser.dashboard import Dashboard

AXE = HERE / "node_modules/axe-core/axe.min.js"
RUN = """(options) => axe.run(document, { resultTypes: ["violations"], ...options }).then(
  ({ violations }) => violations.map(({ id, help, nodes }) => (
    { id, help, nodes: nodes.map((node) => node.html + " " + node.failureSummary) })))"""
# a theme changes nothing but colours, and a narrow screen what is seen, how large, and what scrolls
RULES = {
    ("wide", "light"): {},
    ("wide", "dark"): {"runOnly": ["color-contrast", "link-in-text-block"]},
    ("phone", "dark"): {
        "runOnly": [
            "button-name", "color-contrast", "link-in-text-block", "link-name",
            "page-has-heading-one", "scrollable-region-focusable", "target-size",
        ]
    },
}  # fmt: skip


def barriers(dashboard: Dashboard, rules: dict[str, Any]) -> list[Any]:
    """What axe finds in WCAG 2.2 AA and in its own best practices, or by some of its `rules`."""
    if not dashboard.page.evaluate("'axe' in window"):
        # evaluated in the page by the debugger, which its content security policy does not bind
        dashboard.page.evaluate(AXE.read_text())
    found: list[Any] = dashboard.page.evaluate(RUN, rules)
    return found


def look(dashboard: Dashboard, view: str) -> None:
    """Asserts that a view has no barrier and fits both screens."""
    for size, theme in forms(dashboard):
        # the colours of a phone are those of a wide screen
        if (size, theme) in RULES:
            found = barriers(dashboard, RULES[size, theme])
            assert found == [], f"{view}, {theme}, {size}"
        assert dashboard.page.evaluate(OVERFLOW) <= 0, f"{view} does not fit a {size} screen"


def test_no_view_has_a_barrier_in_either_theme_and_each_fits_a_phone(dashboard: Dashboard) -> None:
    for view in views(dashboard):
        look(dashboard, view)


def test_no_step_of_a_restore_and_no_run_has_a_barrier(dashboard: Dashboard) -> None:
    for view in steps_of_a_restore(dashboard):
        look(dashboard, view)


def test_a_day_of_the_calendar_shows_what_it_is_without_its_colour(dashboard: Dashboard) -> None:
    live_for_weeks(dashboard.supakeep)
    dashboard.page.emulate_media(forced_colors="active")
    dashboard.open().shows("Latest backups")

    days = dashboard.main.locator(".days")
    for status, mark in (("good", "✓"), ("partial", "!"), ("missing", "✕")):
        seen = days.locator(f".{status} [aria-hidden]").first
        expect(seen).to_have_text(re.compile(rf"^\d+{re.escape(mark)}$"))
        expect(dashboard.main.locator(".legend span", has_text=status)).to_contain_text(mark)


def test_a_backup_is_triggered_by_keys_alone(dashboard: Dashboard) -> None:
    keys = dashboard.open().page.keyboard

    keys.press("Tab")
    focused = dashboard.page.locator(":focus")
    while focused.inner_text() != "Trigger Backup":
        keys.press("Tab")
    keys.press("Enter")
    expect(dashboard.page.get_by_role("dialog")).to_be_visible()
    keys.press("Escape")
    expect(dashboard.page.get_by_role("dialog")).to_have_count(0)
    expect(focused).to_have_text("Trigger Backup")
    keys.press("Enter")
    expect(focused).to_have_text("Back up")
    keys.press("Enter")

    dashboard.shows("is complete")


def test_a_screen_reader_hears_how_a_run_goes_on(dashboard: Dashboard) -> None:
    dashboard.open()
    with held_up(dashboard.supakeep):
        dashboard.trigger()
        spoken = dashboard.page.locator("[aria-live=polite]")
        expect(spoken).to_contain_text("The backup is")
    expect(spoken).to_contain_text("The backup has ended: complete")
