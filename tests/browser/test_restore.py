"""The restore wizard: nothing is written before a diff was shown and the destination was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from devstack.stack import Options
from tests.browser.dashboard import tab
from tests.e2e.deployment import deployed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Route

    from tests.browser.dashboard import Dashboard
    from tests.e2e.deployment import Deployment

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
SPOIL = f"update user_credits set plan = '{HOSTILE.replace(chr(39), chr(39) * 2)}'"


@pytest.fixture
def spoiled(dashboard: Dashboard) -> Dashboard:
    """A good backup, and every plan overwritten after it by a text that looks like HTML."""
    dashboard.supakeep.back_up()
    dashboard.supakeep.execute(SPOIL)
    return dashboard


def plans(supakeep: Deployment) -> set[str]:
    return {plan for (plan,) in supakeep.execute("select distinct plan from user_credits")}


def test_a_restore_shows_a_diff_asks_for_the_ref_reports_and_is_undone(spoiled: Dashboard) -> None:
    supakeep = spoiled.supakeep
    spoiled.open("restore").compare()

    spoiled.shows("400 rows would change: 400 updated")
    spoiled.shows("Nothing has been written")
    expect(spoiled.main.locator("del").first).to_contain_text("<img src=x onerror=")
    assert plans(supakeep) == {HOSTILE}
    button = spoiled.page.get_by_role("button", name="Restore now")
    spoiled.page.get_by_label("Type").fill("another-project")
    expect(button).to_be_disabled()
    spoiled.confirm("Restore now")

    spoiled.shows("400 rows were changed: 400 updated")
    expect(spoiled.main.get_by_role("columnheader", name="Updated")).to_be_visible()
    assert supakeep.is_pristine()
    spoiled.page.get_by_role("link", name="Undo …").click()
    spoiled.shows("400 rows would change")
    spoiled.confirm("Undo now")

    spoiled.shows("400 rows were changed")
    assert plans(supakeep) == {HOSTILE}
    assert spoiled.page.title() == "Run · Supakeep"


def test_only_the_rows_of_one_user_come_back(spoiled: Dashboard) -> None:
    supakeep = spoiled.supakeep
    ((user,),) = supakeep.execute("select user_id::text from user_credits limit 1")
    spoiled.open("restore")
    spoiled.choose_only("public.user_credits")
    spoiled.choose_rows("user_id", user)
    spoiled.compare()

    spoiled.shows("1 row would change: 1 updated")
    spoiled.confirm("Restore now")

    spoiled.shows("1 row was changed")
    spoilt = supakeep.execute(
        f"select count(*) from user_credits where plan = '{HOSTILE.replace(chr(39), chr(39) * 2)}'"
    )
    assert spoilt == [(399,)]


def test_replace_deletes_what_the_backup_does_not_have(dashboard: Dashboard) -> None:
    supakeep = dashboard.supakeep
    supakeep.back_up()
    supakeep.execute("insert into operation_costs (operation, cost) values ('new', 1)")
    dashboard.open("restore")
    dashboard.choose_only("public.operation_costs")
    dashboard.page.get_by_label("replace").check()
    dashboard.compare()

    dashboard.shows("1 row would change: 1 deleted")
    dashboard.confirm("Restore now")

    dashboard.shows("1 row was changed: 1 deleted")
    assert supakeep.is_pristine()


def test_a_change_of_the_choice_takes_the_diff_back(spoiled: Dashboard) -> None:
    spoiled.open("restore").compare()
    expect(spoiled.page.get_by_role("button", name="Restore now")).to_be_visible()

    spoiled.page.get_by_label("missing-only").check()

    expect(spoiled.page.get_by_role("button", name="Restore now")).to_have_count(0)


def test_nothing_to_restore_asks_for_no_confirmation(dashboard: Dashboard) -> None:
    dashboard.supakeep.back_up()
    dashboard.open("restore").compare()

    dashboard.shows("Nothing differs")
    expect(dashboard.page.get_by_label("Type")).to_have_count(0)


def test_a_value_that_no_row_has_is_said_and_never_looks_like_good_news(spoiled: Dashboard) -> None:
    spoiled.open("restore")
    spoiled.choose_only("public.user_credits")
    spoiled.choose_rows("plan", "no-such-plan")
    spoiled.compare()

    spoiled.shows("no row of the backup has the value that you chose rows by")
    spoiled.shows("public.user_credits: no row of the backup has plan = no-such-plan")
    expect(spoiled.main).not_to_contain_text("Nothing differs")
    expect(spoiled.main.locator(".notice.ok")).to_have_count(0)
    expect(spoiled.page.get_by_label("Type")).to_have_count(0)
    expect(spoiled.page.get_by_role("button", name="Restore now")).to_have_count(0)


def test_missing_only_does_not_claim_that_the_values_are_the_same(spoiled: Dashboard) -> None:
    spoiled.open("restore")
    spoiled.page.get_by_label("missing-only").check()
    spoiled.compare()

    spoiled.shows("No row of the backup is missing from the database")
    spoiled.shows("also where they differ")
    expect(spoiled.main).not_to_contain_text("Nothing differs")
    expect(spoiled.main.locator(".notice.ok")).to_have_count(0)


def test_no_table_chosen_is_said_before_anything_is_asked(dashboard: Dashboard) -> None:
    dashboard.supakeep.back_up()
    dashboard.open("restore")
    dashboard.click("None")
    dashboard.click("Show what would change")

    dashboard.shows("No table is chosen")


def test_a_table_that_the_policy_does_not_name_is_restored_only_where_it_was_ticked(
    dashboard: Dashboard,
) -> None:
    supakeep = dashboard.supakeep
    supakeep.back_up()
    asked = []

    def outside_the_policy(route: Route) -> None:
        backup = route.fetch().json()
        for table in backup["tables"]:
            table["in_policy"] = table["name"] != "public.operation_costs"
        route.fulfill(json=backup)

    dashboard.page.route("**/api/admin/backups/*", outside_the_policy)
    dashboard.page.on("request", lambda sent: asked.append(sent.post_data_json or {}))
    dashboard.open("restore").shows("public.operation_costs 12 rows, not in the policy")
    box = dashboard.page.get_by_label("public.operation_costs")
    expect(box).not_to_be_checked()

    dashboard.compare()
    box.check()
    dashboard.compare()

    by_itself, ticked = (request for request in asked if request.get("dry_run"))
    assert "tables" not in by_itself
    assert "public.operation_costs" in ticked["tables"]


def different_tables(supakeep: Deployment) -> set[str]:
    state = supakeep.state()
    return {table for table in state if state[table] != supakeep.pristine[table]}


def test_a_table_that_is_not_ticked_is_neither_compared_nor_restored(spoiled: Dashboard) -> None:
    supakeep = spoiled.supakeep
    supakeep.execute("update operation_costs set cost = cost + 1")
    spoiled.open("restore").page.get_by_label("public.user_credits").uncheck()
    spoiled.compare()

    spoiled.shows("12 rows would change: 12 updated")
    expect(spoiled.main.locator("section.panel", has_text="What would change")).not_to_contain_text(
        "public.user_credits"
    )
    spoiled.confirm("Restore now")

    spoiled.shows("12 rows were changed: 12 updated")
    assert plans(supakeep) == {HOSTILE}
    assert different_tables(supakeep) == {"user_credits"}
    # the newest one is now the undo copy, which holds what was overwritten
    spoiled.open("restore").click("None")
    spoiled.click("All")
    spoiled.compare()
    spoiled.shows("400 rows would change: 400 updated")


def test_a_restore_that_is_refused_says_why_and_keeps_the_form(spoiled: Dashboard) -> None:
    spoiled.open("restore")
    spoiled.open_options()
    spoiled.page.get_by_label("Into another schema").fill("no_such_schema")
    spoiled.click("Show what would change")

    spoiled.shows("no_such_schema")
    expect(spoiled.main.get_by_role("alert")).to_be_visible()
    expect(spoiled.page.get_by_label("Into another schema")).to_have_value("no_such_schema")


def test_a_key_that_expires_is_asked_for_again_and_what_was_typed_stays(spoiled: Dashboard) -> None:
    spoiled.open("restore").compare()
    spoiled.page.get_by_label("Type").fill(spoiled.supakeep.stack.destination)
    spoiled.lose_key()

    spoiled.click("Restore now")

    expect(spoiled.page.get_by_role("dialog")).to_contain_text("Unauthorized")
    expect(spoiled.page.locator("#confirm")).to_have_value(spoiled.supakeep.stack.destination)
    spoiled.sign_in()
    spoiled.shows("400 rows were changed")
    assert spoiled.supakeep.is_pristine()


@pytest.fixture
def shop(supakeep: Deployment) -> Iterator[Deployment]:
    """With a schema of this name, whose table is like Jewelshot's of the same name, and empty."""
    supakeep.execute("create schema shop")
    supakeep.execute(
        "create table shop.operation_costs (like public.operation_costs including all)"
    )
    yield supakeep
    supakeep.execute("drop schema shop cascade")


def costs_in_the_shop(supakeep: Deployment) -> int:
    ((costs,),) = supakeep.execute("select count(*) from shop.operation_costs")
    return int(costs)


def test_a_table_is_restored_into_another_schema(shop: Deployment, dashboard: Dashboard) -> None:
    shop.back_up()
    dashboard.open("restore")
    dashboard.choose_only("public.operation_costs")
    dashboard.open_options()
    dashboard.page.get_by_label("Into another schema").fill("shop")
    dashboard.compare()
    dashboard.shows("12 rows would change: 12 inserted")
    dashboard.page.get_by_label("Type").fill(shop.stack.destination)
    expect(dashboard.page.get_by_role("button", name="Restore now")).to_be_disabled()

    dashboard.confirm("Restore now", schema="shop")

    dashboard.shows("12 rows were changed: 12 inserted")
    assert costs_in_the_shop(shop) == 12
    dashboard.page.get_by_role("link", name="Undo …").click()
    dashboard.shows("12 rows would change: 12 deleted")
    dashboard.confirm("Undo now")
    dashboard.shows("12 rows were changed: 12 deleted")
    assert costs_in_the_shop(shop) == 0
    assert shop.is_pristine()


def test_a_table_of_another_schema_comes_back_to_its_own(
    shop: Deployment, dashboard: Dashboard, tmp_path: Path
) -> None:
    shop.execute("insert into shop.operation_costs select * from public.operation_costs")
    policy = tmp_path / "supakeep.toml"
    policy.write_text('[[table]]\nname = "shop.operation_costs"\n')
    url = shop.stack.database_url
    assert shop.run("backup", SUPAKEEP_CONFIG=str(policy), SUPABASE_DB_URL=url).code == 0
    shop.execute("delete from shop.operation_costs where operation = 'preview'")
    # the policy of the functions does not name it, so it has to be chosen
    dashboard.open("restore").page.get_by_label("shop.operation_costs").check()
    dashboard.compare()

    dashboard.shows("1 row would change: 1 inserted")
    dashboard.shows("shop.operation_costs")
    dashboard.confirm("Restore now")

    dashboard.shows("1 row was changed: 1 inserted")
    assert costs_in_the_shop(shop) == 12
    assert shop.is_pristine()


@pytest.fixture(scope="module")
def with_keys_only() -> Iterator[Deployment]:
    """The engine rest, which cannot undo."""
    with deployed(Options(engine="rest")) as deployment:
        yield deployment


def test_without_undo_the_page_says_so_and_why_before_the_restore(
    browser: Browser, with_keys_only: Deployment
) -> None:
    with_keys_only.back_up()
    with_keys_only.execute("update user_credits set plan = 'spoiled'")
    with tab(browser, with_keys_only) as dashboard:
        dashboard.open("restore")
        dashboard.shows("A restore cannot be undone here")
        dashboard.shows("set SUPABASE_DB_URL")
        expect(dashboard.page.get_by_label("replace")).to_be_disabled()
        dashboard.compare()
        dashboard.shows("400 rows would change")
        dashboard.confirm("Restore now")

        dashboard.shows("400 rows were changed")
        dashboard.shows("This restore cannot be undone")
        expect(dashboard.page.get_by_role("link", name="Undo …")).to_have_count(0)
    assert with_keys_only.is_pristine()
