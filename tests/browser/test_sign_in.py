"""The key: asked for once in a tab, never in an address, and kindly where it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.dashboard import Dashboard


def test_a_wrong_key_says_unauthorized_and_lets_one_try_again(dashboard: Dashboard) -> None:
    dashboard.tolerated.append("401")
    dashboard.page.goto(dashboard.address)

    dashboard.sign_in("wrong")

    expect(dashboard.page.get_by_role("alert")).to_contain_text("Unauthorized")
    expect(dashboard.key_field).to_be_focused()
    dashboard.sign_in()
    dashboard.settle().shows("There is no backup yet")


def test_the_key_stays_in_the_tab_and_in_no_address(dashboard: Dashboard) -> None:
    key = dashboard.supakeep.stack.admin_key
    addresses: list[str] = []
    dashboard.page.on("request", lambda request: addresses.append(request.url))
    dashboard.open()

    dashboard.page.reload()

    dashboard.settle()
    expect(dashboard.key_field).to_have_count(0)
    assert addresses
    assert not any(key in address for address in [*addresses, dashboard.page.url])
    kept = dashboard.page.context.storage_state()
    assert key not in str(kept["cookies"])
    assert key not in str(kept["origins"])
    assert kept["cookies"] == []


def test_signing_out_forgets_the_key(dashboard: Dashboard) -> None:
    dashboard.open().click("Sign out")

    expect(dashboard.key_field).to_be_visible()
    assert dashboard.page.evaluate("sessionStorage.length") == 0


def test_the_key_is_asked_for_by_a_labelled_field_that_keys_alone_can_use(
    dashboard: Dashboard,
) -> None:
    dashboard.page.goto(dashboard.address)
    expect(dashboard.key_field).to_be_focused()
    expect(dashboard.key_field).to_have_attribute("type", "password")

    dashboard.page.keyboard.insert_text(dashboard.supakeep.stack.admin_key)
    dashboard.page.keyboard.press("Tab")
    dashboard.page.keyboard.press("Enter")

    dashboard.settle().shows("There is no backup yet")
