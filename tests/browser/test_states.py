"""What the page shows while the API is slow, away or in trouble, and how heavy the page is."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from supakeep.domain.definitions_diff import DefinitionStatus
from supakeep.domain.definitions_record import ObjectChange
from supakeep.domain.manifest import ChangeKind, SchemaChange
from supakeep.domain.manifest_parts import Problem
from tests.browser.dashboard import OVERFLOW, PATH, tab
from tests.browser.history import store
from tests.builders.manifests import a_manifest, an_entry
from tests.builders.tables import a_table

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Request, Route

    from tests.browser.dashboard import Dashboard
    from tests.e2e.deployment import Deployment

MARKUP = "<script>document.title = 'owned'</script>"
PAGE_BYTES = 150_000
FIRST_PAINT = """new Promise((done) => new PerformanceObserver((list) => {
  for (const paint of list.getEntriesByName("first-contentful-paint")) done(paint.startTime);
}).observe({ type: "paint", buffered: true }))"""
FIRST_PAINT_MILLISECONDS = 1000


def test_many_backups_are_listed_in_pages(dashboard: Dashboard) -> None:
    supakeep = dashboard.supakeep
    now = dt.datetime.now(dt.UTC)
    ages = [dt.timedelta(hours=hours) for hours in range(0, 24 * 21, 4)]
    made = [a_manifest(project=supakeep.ref, at=now - age) for age in ages]
    store(supakeep, made, copies=1)
    dashboard.open("backups")
    rows = dashboard.main.locator("tbody tr")
    expect(rows).to_have_count(50)

    dashboard.click("Show older backups")

    expect(rows).to_have_count(100)
    dashboard.go("Overview")
    dashboard.shows("All backups")
    assert dashboard.main.locator(".days .good").count() >= 20


def a_change(message: str) -> SchemaChange:
    kind = ChangeKind.COLUMN_GONE
    return SchemaChange(kind=kind, table="public.t", column="c", message=message, before="earlier")


def a_policy_gone(message: str) -> ObjectChange:
    return ObjectChange(
        status=DefinitionStatus.REMOVED,
        kind="POLICY",
        name="public.t own rows",
        before="earlier",
        message=message,
        hint=f"What to do about it: {MARKUP}",
    )


def test_names_and_errors_that_contain_html_are_shown_as_they_are(dashboard: Dashboard) -> None:
    supakeep = dashboard.supakeep
    supakeep.execute(f'create table "{MARKUP}" (id int primary key)')
    try:
        supakeep.back_up()
        manifest = a_manifest(
            project=supakeep.ref,
            at=dt.datetime.now(dt.UTC),
            warnings=(f"A warning {MARKUP}",),
            copy_problem=Problem(message=f"An error {MARKUP}", hint=f"A hint {MARKUP}"),
        ).model_copy(
            update={
                "changes": (a_change(f"A change {MARKUP}"),),
                "definition_changes": (a_policy_gone(f"A policy {MARKUP}"),),
            }
        )
        store(supakeep, [manifest], copies=1)
        dashboard.open("").shows(MARKUP)
        for text in ("A hint", "A warning", "A change", "A policy", "What to do about it:"):
            dashboard.open(f"backups/{manifest.backup}").shows(f"{text} {MARKUP}")
    finally:
        supakeep.execute(f'drop table "{MARKUP}"')
    assert "owned" not in dashboard.page.title()


def test_an_address_that_is_not_a_view_or_a_backup_says_so(dashboard: Dashboard) -> None:
    dashboard.open("no-such-view").shows("There is no such page")
    dashboard.tolerated += ["400", "404"]
    dashboard.open("backups/backup_x_2026-01-01").shows("No backup is named")
    dashboard.open("runs/<b>x").shows("is not a run ID")
    dashboard.open("%E0%A4%A").shows("There is no such page")


def test_a_slow_api_is_waited_for_and_explained(dashboard: Dashboard) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    dashboard.page.clock.install()
    dashboard.open()
    dashboard.page.route("**/api/admin/runs?*", hold)
    dashboard.page.get_by_role("link", name="Runs").click()
    expect(dashboard.main).to_contain_text("Loading …")

    dashboard.page.clock.fast_forward(5000)

    expect(dashboard.main).to_contain_text("Still loading")
    held[0].continue_()
    dashboard.shows("Nothing has run yet")


def test_an_api_that_fails_can_be_tried_again(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.tolerated.append("503")
    dashboard.page.route(
        "**/api/admin/runs?*",
        lambda route: route.fulfill(status=503, json={"message": "Service Unavailable"}),
        times=1,
    )
    dashboard.page.get_by_role("link", name="Runs").click()
    dashboard.shows("Service Unavailable")

    dashboard.click("Try again")

    dashboard.shows("Nothing has run yet")


def test_the_list_of_runs_follows_a_run_until_it_has_ended(dashboard: Dashboard) -> None:
    dashboard.supakeep.back_up()

    def still_running(route: Route) -> None:
        answer = route.fetch().json()
        answer["runs"][0] |= {"status": "running", "duration_seconds": None}
        route.fulfill(json=answer)

    dashboard.page.route("**/api/admin/runs?*", still_running, times=1)
    dashboard.open("runs").shows("running")

    expect(dashboard.main.locator("tbody tr").first).to_contain_text("complete")


def test_an_answer_that_was_cut_off_is_not_taken_for_an_empty_one(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.page.route(
        "**/api/admin/runs?*", lambda route: route.fulfill(status=200, body='{"runs":['), times=1
    )
    dashboard.page.get_by_role("link", name="Runs").click()

    dashboard.shows("The API's answer is not whole")


def test_the_longest_name_of_a_table_fits_a_phone(dashboard: Dashboard) -> None:
    supakeep = dashboard.supakeep
    entry = an_entry(a_table("t" * 63))
    manifest = a_manifest(project=supakeep.ref, at=dt.datetime.now(dt.UTC), tables=(entry,))
    store(supakeep, [manifest])
    dashboard.page.set_viewport_size({"width": 360, "height": 740})

    dashboard.open(f"backups/{manifest.backup}").shows("t" * 63)

    assert dashboard.page.evaluate(OVERFLOW) <= 0


def test_on_a_phone_what_a_cell_says_stands_together(dashboard: Dashboard) -> None:
    dashboard.supakeep.back_up()
    dashboard.page.set_viewport_size({"width": 360, "height": 740})
    dashboard.open("backups")

    cell = dashboard.main.locator("td", has_text="snapshot")
    tops = [box["y"] for one in (cell, cell.locator(".id")) if (box := one.bounding_box())]
    assert tops[1] - tops[0] > 15


def test_without_a_connection_the_page_says_so_and_recovers(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.tolerated.append("ERR_INTERNET_DISCONNECTED")
    dashboard.page.context.set_offline(True)
    expect(dashboard.page.get_by_text("You are offline")).to_be_visible()
    dashboard.page.get_by_role("link", name="Runs").click()
    dashboard.shows("The API cannot be reached")

    dashboard.page.context.set_offline(False)
    dashboard.click("Try again")

    dashboard.shows("Nothing has run yet")
    expect(dashboard.page.get_by_text("You are offline")).to_be_hidden()


def test_times_are_the_readers_own_with_utc_on_hover(dashboard: Dashboard) -> None:
    name = dashboard.supakeep.back_up()["backup"]
    dashboard.open(f"backups/{name}")
    shown = dashboard.main.locator("time").first

    started_at = dashboard.supakeep.manifest(name).started_at
    expect(shown).to_have_attribute("title", f"{started_at:%Y-%m-%d %H:%M:%S} UTC")


def test_no_two_backups_have_the_same_time_when_clocks_are_set_back(
    browser: Browser, supakeep: Deployment
) -> None:
    """In Berlin, 2026-10-25 has the hour from two to three twice."""
    midnight = dt.datetime(2026, 10, 25, tzinfo=dt.UTC)
    moments = [midnight + dt.timedelta(minutes=30 + 60 * hours) for hours in range(-1, 3)]
    store(supakeep, [a_manifest(project=supakeep.ref, at=at) for at in moments], copies=1)
    with tab(browser, supakeep, timezone_id="Europe/Berlin", locale="en-GB") as dashboard:
        dashboard.open("backups")
        shown = dashboard.main.locator("tbody th time")
        expect(shown).to_have_text(
            [
                "25 Oct 2026, 03:30",
                "25 Oct 2026, 02:30 CET",
                "25 Oct 2026, 02:30 CEST",
                "25 Oct 2026, 01:30",
            ]
        )
        dashboard.open("restore")
        options = dashboard.page.get_by_label("Backup", exact=True).locator("option")
        assert len(set(options.all_inner_texts())) == len(moments)


def test_the_retention_rules_can_be_tried_out(dashboard: Dashboard) -> None:
    supakeep = dashboard.supakeep
    now = dt.datetime.now(dt.UTC)
    nights = [a_manifest(project=supakeep.ref, at=now - dt.timedelta(days=n)) for n in range(10)]
    store(supakeep, nights, copies=1)
    dashboard.open("settings").shows("every day at 03:00 UTC")
    dashboard.page.get_by_label("the rule").select_option("keep_daily")
    dashboard.page.get_by_label("=", exact=True).fill("4")
    dashboard.click("Simulate")

    dashboard.shows("nothing is removed")
    dashboard.shows("no rule keeps it")
    assert len(supakeep.keys(supakeep.primary)) == 20


def test_the_page_is_light(dashboard: Dashboard) -> None:
    sizes: list[int] = []
    page = dashboard.page

    def weigh(request: Request) -> None:
        if PATH in request.url:
            sizes.append(request.sizes()["responseBodySize"])

    page.on("requestfinished", weigh)
    dashboard.open()
    page.remove_listener("requestfinished", weigh)

    assert len(sizes) == 3
    assert 0 < sum(sizes) < PAGE_BYTES


def test_the_first_paint_with_an_empty_cache_takes_less_than_a_second(
    browser: Browser, supakeep: Deployment
) -> None:
    paints = []
    for _ in range(3):
        # a browser of its own, which has never seen the page; the machine may be busy with others
        with tab(browser, supakeep) as newcomer:
            newcomer.page.goto(newcomer.address)
            expect(newcomer.key_field).to_be_visible()
            paints.append(newcomer.page.evaluate(FIRST_PAINT))

    assert min(paints) < FIRST_PAINT_MILLISECONDS
