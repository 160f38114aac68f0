"""Trigger a backup, watch it, and look at what it made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from supakeep.archive.signature import Keyring
from tests.browser.dashboard import tab
from tests.browser.history import held_up, put

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Download

    from tests.browser.dashboard import Dashboard
    from tests.e2e.deployment import Deployment


def test_a_backup_is_triggered_confirmed_watched_and_listed(dashboard: Dashboard) -> None:
    dashboard.open()
    dashboard.shows("There is no backup yet")
    dashboard.shows("Not safe")
    # there are no drills, so nothing is said of what they have proven
    expect(dashboard.main).not_to_contain_text("Last restore proven")

    dashboard.click("Trigger Backup")
    expect(dashboard.page.get_by_role("dialog")).to_contain_text("Back up now?")
    dashboard.click("Cancel")
    assert dashboard.supakeep.names() == []
    dashboard.trigger()

    dashboard.shows("is complete")
    (name,) = dashboard.supakeep.names()
    dashboard.shows(name)
    dashboard.shows("11,935")
    dashboard.shows("Your data is safe")
    dashboard.go("Backups")
    dashboard.shows("the newest good backup, until")


def test_a_page_that_is_loaded_again_in_mid_run_shows_the_run(dashboard: Dashboard) -> None:
    dashboard.open()
    with held_up(dashboard.supakeep):
        dashboard.trigger()
        dashboard.shows("Backing up")

        dashboard.page.reload()

        dashboard.shows("Backing up")
        expect(dashboard.page.get_by_role("button", name="Trigger Backup")).to_be_disabled()
    dashboard.shows("is complete")
    expect(dashboard.page.get_by_role("button", name="Trigger Backup")).to_be_enabled()


def test_progress_counts_the_rows_of_those_expected(dashboard: Dashboard) -> None:
    dashboard.supakeep.back_up()
    dashboard.open()
    with held_up(dashboard.supakeep):
        dashboard.trigger()
        dashboard.shows("0 of about 11,935 rows")
        dashboard.shows("public.user_credits")
        # five tables, and the users with their identities
        expect(dashboard.main.get_by_role("progressbar")).to_have_count(7)
        # short lines, one below the other
        box = dashboard.main.locator(".progress li").first.bounding_box()
        assert box is not None
        assert box["height"] < 40
    dashboard.shows("is complete")


def test_a_page_that_comes_back_from_the_background_is_up_to_date(dashboard: Dashboard) -> None:
    dashboard.open().shows("There is no backup yet")
    dashboard.supakeep.back_up()

    dashboard.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    dashboard.shows("Your data is safe")


def test_a_closed_page_stops_nothing(browser: Browser, supakeep: Deployment) -> None:
    with held_up(supakeep), tab(browser, supakeep) as closed:
        closed.open().trigger()
        closed.shows("Backing up")
    with tab(browser, supakeep) as later:
        later.open()
        later.shows("complete")
    supakeep.stack.wait_idle()
    assert len(supakeep.names()) == 1


def test_a_second_tab_asks_for_the_key_itself_and_sees_the_same_run(
    browser: Browser, supakeep: Deployment
) -> None:
    with tab(browser, supakeep) as first, tab(browser, supakeep) as second:
        first.open()
        second.page.goto(second.address)
        expect(second.key_field).to_be_visible()
        second.open()
        with held_up(supakeep):
            first.trigger()
            first.shows("Backing up")
            second.go("Runs")
            # the list does not follow a run: it shows what was so when it was opened
            expect(second.main).to_contain_text(re.compile("queued|running"))
            second.go("Overview")
            second.shows("Backing up")
        for one in (first, second):
            one.shows("is complete")


def test_a_second_backup_beside_the_first_is_refused_with_a_reason(
    browser: Browser, supakeep: Deployment
) -> None:
    with tab(browser, supakeep) as first, tab(browser, supakeep) as second:
        first.open()
        second.open()
        second.tolerated.append("409")
        with held_up(supakeep):
            first.trigger()
            first.shows("Backing up")
            second.trigger()
            # it shows the run that is in the way
            second.shows("Backing up")
        second.shows("is complete")
        first.shows("is complete")


def test_a_backup_that_fails_says_why_and_what_to_do(dashboard: Dashboard) -> None:
    dashboard.open()
    with dashboard.supakeep.without_bucket():
        dashboard.tolerated.append("502")
        dashboard.trigger()
        dashboard.shows("Upload failed: Storage bucket not found")
        dashboard.supakeep.stack.wait_idle()

    dashboard.go("Runs")
    dashboard.shows("failed")
    dashboard.main.get_by_role("link", name=re.compile("Z-")).first.click()
    dashboard.shows("Storage bucket not found")
    dashboard.go("Overview")
    dashboard.shows("Storage bucket not found")


def test_one_backup_shows_its_tables_its_changes_and_is_verified(dashboard: Dashboard) -> None:
    supakeep = dashboard.supakeep
    supakeep.back_up()
    supakeep.execute("update credit_transactions set operation = null where operation = 'preview'")
    supakeep.execute("delete from operation_costs where operation = 'preview'")
    name = supakeep.follow(supakeep.call("POST", "/api/admin/backup"))["backup"]
    dashboard.open(f"backups/{name}")

    row = dashboard.main.get_by_role("row").filter(has_text="public.operation_costs")
    expect(row).to_contain_text("11")
    expect(row).to_contain_text("−1")  # noqa: RUF001 - a minus sign
    dashboard.click("Verify")
    dashboard.shows("The copy in primary is good")
    dashboard.shows("The copy in mirror is good")


def test_a_backup_shows_how_it_is_stored_and_what_each_store_holds(dashboard: Dashboard) -> None:
    supakeep = dashboard.supakeep
    name = supakeep.back_up()["backup"]
    copies = dashboard.main.get_by_role("table", name="Copies").locator("tbody tr")
    dashboard.open(f"backups/{name}").shows("Compression")
    dashboard.shows("Encryption")
    missing = dashboard.main.get_by_role("table", name="Not in the backup").locator("tbody tr")
    expect(missing.filter(has_text="edge function all")).to_contain_text("not supported")
    for copy in (copies.filter(has_text="primary"), copies.filter(has_text="mirror")):
        expect(copy).to_contain_text("whole")
        expect(copy).to_contain_text("signed, and verified")

    supakeep.mirror.delete(f"daily/{name}.manifest.json")
    dashboard.open("backups").open(f"backups/{name}")

    expect(copies.filter(has_text="primary")).to_contain_text("whole")
    expect(copies.filter(has_text="mirror")).to_contain_text("missing")


def test_a_copy_whose_signature_does_not_verify_is_shown(dashboard: Dashboard) -> None:
    supakeep = dashboard.supakeep
    name = supakeep.back_up()["backup"]
    forger = Keyring("k" * 32)
    manifest = supakeep.manifest(name)
    for key in supakeep.keys(supakeep.mirror):
        supakeep.mirror.delete(key)
    put(supakeep.mirror, manifest, forger)

    dashboard.open(f"backups/{name}")

    copies = dashboard.main.get_by_role("table", name="Copies").locator("tbody tr")
    expect(copies.filter(has_text="mirror")).to_contain_text("does not verify")
    expect(copies.filter(has_text="primary")).to_contain_text("signed, and verified")


def test_a_damaged_copy_is_named_by_verify(dashboard: Dashboard) -> None:
    supakeep = dashboard.supakeep
    name = supakeep.back_up()["backup"]
    supakeep.mirror.delete(f"daily/{name}.sql.json")
    dashboard.open(f"backups/{name}").click("Verify")

    dashboard.shows("The copy in primary is good")
    dashboard.shows("The copy in mirror is not good")
    dashboard.click("Copy")
    dashboard.shows("primary was whole already")
    dashboard.shows("mirror has got 1 object")
    dashboard.click("Verify")
    dashboard.shows("The copy in mirror is good")


def test_a_backup_is_pinned_until_a_day_marked_in_the_list_and_unpinned(
    dashboard: Dashboard,
) -> None:
    name = dashboard.supakeep.back_up()["backup"]
    dashboard.open(f"backups/{name}").click("Pin …")
    dashboard.page.get_by_label("Last day").fill("2099-12-31")
    dashboard.click("Pin")

    dashboard.shows("The backup is pinned")
    dashboard.shows("until 2099-12-31")
    dashboard.go("Backups")
    expect(dashboard.main.get_by_role("row").filter(has_text=name)).to_contain_text("pinned")
    for store in (dashboard.supakeep.primary, dashboard.supakeep.mirror):
        assert f"daily/{name}.pin.json" in dashboard.supakeep.keys(store)

    dashboard.open(f"backups/{name}").click("Unpin")
    dashboard.shows("no longer pinned")
    dashboard.click("Pin …")
    dashboard.click("Cancel")
    expect(dashboard.page.get_by_role("button", name="Pin …")).to_be_enabled()
    assert not any("pin" in key for key in dashboard.supakeep.keys(dashboard.supakeep.primary))


def test_a_backup_is_downloaded_with_one_click(dashboard: Dashboard) -> None:
    supakeep = dashboard.supakeep
    name = supakeep.back_up()["backup"]
    dashboard.open(f"backups/{name}")
    saved: list[Download] = []

    def save(download: Download) -> None:
        saved.append(download)

    # Playwright cannot wrap the method of a list
    dashboard.page.on("download", save)

    dashboard.click("Download")

    dashboard.shows("The links are valid for 5 min")
    while len(saved) < 3:
        dashboard.page.wait_for_timeout(50)
    files = {one.suggested_filename: one.path().read_bytes() for one in saved}
    keys = (f"{name}.sql.json", f"{name}.schema.sql", f"{name}.manifest.json")
    assert files == {key: supakeep.content(supakeep.primary, f"daily/{key}") for key in keys}
    expect(dashboard.page.get_by_role("heading", name=name)).to_be_visible()
    # Storage, which the links point to
    dashboard.hosts.clear()


@pytest.mark.parametrize("view", ["", "backups", "restore", "runs", "settings"])
def test_a_view_of_nothing_says_so(dashboard: Dashboard, view: str) -> None:
    dashboard.open(view)

    expect(dashboard.main).not_to_contain_text("undefined")
    expect(dashboard.main).not_to_contain_text("null")
    if view != "settings":
        expect(dashboard.main.locator(".empty").first).to_be_visible()
