"""A drill on the page: started by a button, followed, and shown rung by rung."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.dashboard import OVERFLOW

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from tests.browser.dashboard import Dashboard

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"


def failed(route: Route) -> None:
    """The run's answer as that of a drill that found a damaged object and a false assertion."""
    run: dict[str, Any] = route.fetch().json()
    problem = {"message": f"An object is damaged {HOSTILE}", "hint": None}
    if run["result"]:
        run |= {"status": "failed", "error": problem}
        run["result"]["rungs"][1] |= {"outcome": "failed", "problems": [problem]}
        run["result"]["assertions"] = [
            {"name": "no negative balance", "holds": False, "milliseconds": 1, "problem": problem}
        ]
    route.fulfill(json=run)


def test_a_backup_is_drilled_and_the_page_shows_what_that_proves_and_what_not(
    dashboard: Dashboard,
) -> None:
    name = dashboard.supakeep.back_up()["backup"]
    dashboard.open(f"backups/{name}").click("Drill")

    dashboard.shows("This backup restores. Its rows came back in")
    rungs = dashboard.main.get_by_role("table", name="What was proven").locator("tbody tr")
    expect(rungs).to_have_count(5)
    expect(rungs.filter(has_text="identical")).to_contain_text("proven")
    dashboard.shows("What this drill does not prove")
    dashboard.open("").shows("Last restore proven")
    dashboard.shows("rows back in about")


def test_a_drill_that_failed_names_the_rung_and_the_reason(dashboard: Dashboard) -> None:
    name = dashboard.supakeep.back_up()["backup"]
    dashboard.page.route("**/api/admin/runs/*", failed)
    dashboard.open(f"backups/{name}").click("Drill")

    dashboard.shows("This drill has failed: readable")
    dashboard.shows(f"An object is damaged {HOSTILE}")
    expect(dashboard.main.get_by_role("table", name="Assertions")).to_contain_text("no")
    assert "owned" not in dashboard.page.title()
    dashboard.page.set_viewport_size({"width": 360, "height": 740})
    assert dashboard.page.evaluate(OVERFLOW) <= 0
