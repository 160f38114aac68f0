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


def of_some_tables(route: Route) -> None:
    """The run's answer as that of a drill that had room for one table, and for a sample of another."""
    run: dict[str, Any] = route.fetch().json()
    if run["result"]:
        whole = {"name": "public.a", "rows": 3, "of_rows": 3, "bytes": 9, "volumes": []}
        sample = {"name": HOSTILE, "rows": 5, "of_rows": 9, "bytes": 9, "volumes": [2, 3]}
        run["result"]["portion"] = {
            "tables": [whole, sample], "why": "there is little room", "of_tables": 4,
            "left": ["public.b"], "sampled": [HOSTILE], "not_asked": [],
        }  # fmt: skip
    route.fulfill(json=run)


def test_a_backup_is_drilled_and_the_page_shows_what_that_proves(
    dashboard: Dashboard,
) -> None:
    name = dashboard.supakeep.back_up()["backup"]
    dashboard.open(f"backups/{name}").click("Drill")

    dashboard.shows("This backup restores. Its rows came back in")
    rungs = dashboard.main.get_by_role("table", name="What was proven").locator("tbody tr")
    expect(rungs).to_have_count(5)
    expect(rungs.filter(has_text="restorable")).to_contain_text("definitions")
    expect(rungs.filter(has_text="identical")).to_contain_text("proven")
    # every definition of this project could be made
    expect(dashboard.main).not_to_contain_text("What this drill does not prove")
    dashboard.open("").shows("Last restore proven")
    dashboard.shows("rows back in about")


def test_a_drill_of_some_tables_or_one_that_failed_says_what_is_not_proven(
    dashboard: Dashboard,
) -> None:
    name = dashboard.supakeep.back_up()["backup"]
    dashboard.page.route("**/api/admin/runs/*", of_some_tables)
    dashboard.open(f"backups/{name}").click("Drill")

    dashboard.shows("of its tables, 1 still to be drilled, 1 drilled by sample only.")
    dashboard.shows(f"{HOSTILE}: 5 of 9 rows, a sample from volume 2")

    dashboard.page.unroute("**/api/admin/runs/*")
    dashboard.page.route("**/api/admin/runs/*", failed)
    dashboard.open(f"backups/{name}").click("Drill")

    dashboard.shows("This drill has failed: readable")
    dashboard.shows(f"An object is damaged {HOSTILE}")
    expect(dashboard.main.get_by_role("table", name="Assertions")).to_contain_text("no")
    assert "owned" not in dashboard.page.title()
    dashboard.page.set_viewport_size({"width": 360, "height": 740})
    assert dashboard.page.evaluate(OVERFLOW) <= 0
