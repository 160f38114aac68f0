"""Who may call the API, who did what, and who hears of trouble, as the page shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.history import give_keys
from tests.builders.api_keys import key_named

if TYPE_CHECKING:
    from tests.browser.dashboard import Dashboard


def test_keys_that_end_what_was_done_and_a_log_that_lost_an_entry_are_seen(
    dashboard: Dashboard,
) -> None:
    supakeep = dashboard.supakeep
    give_keys(supakeep)
    supakeep.back_up()
    supakeep.stack.wait_idle()
    supakeep.call("POST", "/api/admin/restore", {}, key=key_named("support"))
    supakeep.call("POST", "/api/admin/restore", {}, key=key_named("ci"))

    dashboard.open("access")

    keys, log = (dashboard.main.get_by_role("table", name=name) for name in ("Keys", "Audit log"))
    for name, state in (("ci", "valid"), ("support", "ends soon"), ("leaked", "revoked")):
        row = keys.get_by_role("row").filter(has=dashboard.page.get_by_role("rowheader", name=name))
        expect(row).to_contain_text(state)
    dashboard.shows("The key support ends on")
    dashboard.shows("ADMIN_KEY and CRON_SECRET of the secret open their routes too")
    refused = log.get_by_role("row").filter(has_text="refused")
    expect(refused).to_contain_text("POST /api/admin/restore")
    expect(refused).to_contain_text("The key ci lacks the scope restore")
    expect(log).to_contain_text("schedule")
    dashboard.shows("The log is whole")
    dashboard.shows("nobody: neither WEBHOOK_URL nor PING_URL is in use")

    # the entry of the prune that followed names it
    [named] = [one.key for one in supakeep.primary.list("audit/") if "-backup-" in one.key]
    for store in (supakeep.primary, supakeep.mirror):
        store.delete(named)
    dashboard.page.reload()

    dashboard.settle().shows(f"{named} is missing in every store")


def test_a_key_without_the_scope_admin_sees_the_alarms_and_why_not_the_rest(
    dashboard: Dashboard,
) -> None:
    give_keys(dashboard.supakeep)
    dashboard.tolerated.append("403")
    dashboard.page.goto(f"{dashboard.address}#/access")
    dashboard.sign_in(key_named("ci"))

    dashboard.settle().shows("A backup is too old after")
    expect(dashboard.main.get_by_text("The key ci lacks the scope admin")).to_have_count(2)
