"""The diff of a restore can be read: a line for each row, and the tables that do not differ in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.dashboard import OVERFLOW

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from tests.browser.dashboard import Dashboard

TABLES = 40


def widened(route: Route) -> None:
    """The run's answer as that of a project with 40 tables, of which every tenth differs."""
    run: dict[str, Any] = route.fetch().json()
    if run["result"]:
        tables = {table["name"]: table for table in run["result"]["tables"]}
        differing, equal = tables["public.user_credits"], tables["public.operation_costs"]
        run["result"]["tables"] = [
            (differing if n % 10 == 0 else equal) | {"name": f"public.table_{n:02}"}
            for n in range(TABLES)
        ]
    route.fulfill(json=run)


def test_a_changed_row_is_one_line_with_its_key_and_each_column_old_and_new(
    dashboard: Dashboard,
) -> None:
    supakeep = dashboard.supakeep
    supakeep.back_up()
    ((user, plan, balance),) = supakeep.execute(
        "select user_id::text, plan, balance::text from user_credits order by user_id limit 1"
    )
    supakeep.execute(
        f"update user_credits set plan = 'spoiled', balance = 0.5 where user_id = '{user}'"
    )
    dashboard.open("restore").compare()

    lines = dashboard.main.locator(".rows li")
    expect(lines).to_have_count(1)
    expect(lines).to_contain_text(f'user_id = "{user}"')
    expect(lines).to_contain_text(f'plan: "spoiled" → "{plan}"')
    expect(lines).to_contain_text(f"balance: 0.5000 → {balance}, plan")


def test_a_table_that_does_not_fit_is_named_beside_the_diff_and_stops_the_restore(
    dashboard: Dashboard,
) -> None:
    supakeep = dashboard.supakeep
    supakeep.back_up()
    supakeep.execute("update user_credits set balance = 0.5")
    supakeep.execute("alter table operation_costs drop constraint operation_costs_pkey")
    try:
        dashboard.open("restore").compare()
    finally:
        supakeep.execute("alter table operation_costs add primary key (id)")

    dashboard.shows("Table public.operation_costs has no primary key")
    dashboard.shows("rows would change")
    expect(dashboard.page.get_by_label("Type")).to_have_count(0)
    dashboard.page.get_by_label("public.operation_costs").uncheck()
    dashboard.compare()
    expect(dashboard.page.get_by_label("Type")).to_have_count(1)


def with_a_row_to_delete(route: Route) -> None:
    """The run's answer as that of a restore that also deletes the row to insert."""
    run: dict[str, Any] = route.fetch().json()
    for table in run["result"]["tables"] if run["result"] else ():
        table |= {"deleted": table["inserted"], "deleted_rows": table["inserted_rows"]}
    route.fulfill(json=run)


def test_a_row_to_insert_or_to_delete_is_one_line_with_all_its_values(
    dashboard: Dashboard,
) -> None:
    supakeep = dashboard.supakeep
    supakeep.back_up()
    ((key, amount, user),) = supakeep.execute(
        "delete from credit_transactions where id = (select max(id) from credit_transactions)"
        " returning id, amount::text, user_id::text"
    )
    dashboard.page.route("**/api/admin/runs/*", with_a_row_to_delete)
    dashboard.open("restore").compare()

    dashboard.shows("Rows that would be inserted")
    dashboard.shows("Rows that would be deleted")
    lines = dashboard.main.locator(".rows li")
    expect(lines).to_have_count(2)
    for line, tag in zip(lines.all(), ("ins", "del"), strict=True):
        expect(line.locator("code.key")).to_have_text(f"id = {key}")
        expect(line.locator(tag)).to_have_count(9)
        expect(line).to_contain_text(f'user_id: "{user}", ')
        expect(line).to_contain_text(f", amount: {amount}, ")


def test_more_rows_than_are_shown_are_counted(dashboard: Dashboard) -> None:
    dashboard.supakeep.back_up()
    dashboard.supakeep.execute("update user_credits set plan = 'spoiled'")
    dashboard.open("restore").compare()

    expect(dashboard.main.locator(".rows li")).to_have_count(6)
    dashboard.shows("and 395 more")


def test_equal_tables_are_one_line_that_opens(dashboard: Dashboard) -> None:
    dashboard.supakeep.back_up()
    dashboard.supakeep.execute("update user_credits set plan = 'spoiled'")
    dashboard.open("restore").compare()

    differing = dashboard.main.get_by_role("table", name="Changes by table").locator("tbody tr")
    expect(differing).to_have_count(1)
    expect(differing).to_contain_text("public.user_credits")
    folded = dashboard.main.locator(".folded li", has_text="public.operation_costs 12 rows")
    expect(folded).to_be_hidden()
    dashboard.page.get_by_text("4 tables do not differ").click()
    expect(folded).to_be_visible()


def test_a_diff_of_forty_tables_fits_a_screen_and_a_phone(dashboard: Dashboard) -> None:
    dashboard.supakeep.back_up()
    dashboard.supakeep.execute("update user_credits set plan = 'spoiled'")
    dashboard.page.route("**/api/admin/runs/*", widened)
    dashboard.open("restore").compare()

    dashboard.shows("36 tables do not differ")
    box = dashboard.main.locator("section.panel", has_text="What would change").bounding_box()
    assert box is not None
    assert box["height"] < 900
    opened = dashboard.main.locator("details.rows").first
    opened.locator("summary").click()
    expect(opened.locator("li").first).to_be_visible()
    for width in (1280, 360):
        dashboard.page.set_viewport_size({"width": width, "height": 740})
        assert dashboard.page.evaluate(OVERFLOW) <= 0
