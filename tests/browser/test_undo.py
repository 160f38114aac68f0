"""The way back from a restore: twice, after later changes, by keys, and from two tabs at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.dashboard import tab
from tests.browser.history import held_up

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.dashboard import Dashboard
    from tests.e2e.deployment import Deployment


@pytest.fixture
def restored(dashboard: Dashboard) -> Dashboard:
    """On the page of the restore that brought every plan back; they were all spoiled before."""
    dashboard.supakeep.back_up()
    spoil(dashboard.supakeep)
    dashboard.open("restore").compare()
    dashboard.confirm("Restore now")
    dashboard.shows("400 rows were changed")
    return dashboard


def spoil(supakeep: Deployment) -> None:
    supakeep.execute("update user_credits set plan = 'spoiled'")


def is_spoiled(supakeep: Deployment) -> bool:
    return supakeep.execute("select distinct plan from user_credits") == [("spoiled",)]


def look_at_undo(dashboard: Dashboard) -> None:
    dashboard.page.get_by_role("link", name="Undo …").click()
    dashboard.shows("What would change")


def test_an_undo_is_undone_as_a_restore_is(restored: Dashboard) -> None:
    look_at_undo(restored)
    restored.confirm("Undo now")
    restored.shows("400 rows were changed")
    assert is_spoiled(restored.supakeep)

    look_at_undo(restored)
    restored.confirm("Undo now")

    restored.shows("400 rows were changed")
    assert restored.supakeep.is_pristine()


def test_an_undo_shows_which_later_changes_it_would_take_away(restored: Dashboard) -> None:
    supakeep = restored.supakeep
    supakeep.execute("insert into operation_costs (operation, cost) values ('later', 1)")
    supakeep.execute(
        "update user_credits set plan = 'later' where user_id = (select min(user_id::text)::uuid"
        " from user_credits)"
    )

    look_at_undo(restored)

    restored.shows("What was changed since the restore is taken back, too")
    restored.shows("401 rows would change: 400 updated, 1 deleted")
    lines = restored.main.locator(".rows li")
    expect(lines.filter(has_text='plan: "later" → "spoiled"')).to_have_count(1)
    expect(lines.filter(has_text='operation: "later"')).to_have_count(1)
    restored.confirm("Undo now")
    restored.shows("401 rows were changed")
    assert is_spoiled(supakeep)
    assert supakeep.execute("select 1 from operation_costs where operation = 'later'") == []


def test_a_second_restore_beside_the_first_is_refused_and_can_be_tried_again(
    browser: Browser, supakeep: Deployment
) -> None:
    supakeep.back_up()
    spoil(supakeep)
    with tab(browser, supakeep) as first, tab(browser, supakeep) as second:
        for one in (first, second):
            one.open("restore").compare()
        second.tolerated.append("409")
        with held_up(supakeep):
            first.confirm("Restore now")
            first.shows("running")
            second.confirm("Restore now")
            expect(second.main.get_by_role("alert")).to_contain_text("is at work on this project")
        first.shows("400 rows were changed")
        expect(second.page.locator("#confirm")).to_have_value(supakeep.stack.destination)
        assert supakeep.is_pristine()

        second.click("Restore now")

        second.shows("Nothing differs")
    assert supakeep.is_pristine()


def test_a_restore_that_was_undone_by_keys_alone_has_nothing_left_to_undo(
    restored: Dashboard,
) -> None:
    page_of_the_restore = restored.page.url
    keys, focused = restored.page.keyboard, restored.page.locator(":focus")
    restored.page.locator("body").click(position={"x": 1, "y": 1})

    while focused.count() == 0 or focused.inner_text() != "Undo …":
        keys.press("Tab")
    keys.press("Enter")
    restored.shows("400 rows would change")
    while focused.get_attribute("id") != "confirm":
        keys.press("Tab")
    keys.type(restored.supakeep.stack.destination)
    keys.press("Enter")

    restored.shows("400 rows were changed")
    assert is_spoiled(restored.supakeep)

    restored.page.goto(page_of_the_restore)
    look_at_undo(restored)

    restored.shows("Nothing differs")
    expect(restored.page.get_by_role("button", name="Undo now")).to_have_count(0)
    assert is_spoiled(restored.supakeep)
