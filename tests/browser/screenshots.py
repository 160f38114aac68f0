"""Every view in every form: a wide screen and a phone, light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from devstack import PROJECT
from tests.browser.history import give_keys, held_up, live_for_weeks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.browser.dashboard import Dashboard

FOLDER = PROJECT / "build/screenshots"
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
SIZES = {"wide": (1280, 900), "phone": (360, 740)}


def forms(dashboard: Dashboard) -> Iterator[tuple[str, Theme]]:
    """Gives the page each size and theme in turn."""
    for size, (width, height) in SIZES.items():
        dashboard.page.set_viewport_size({"width": width, "height": height})
        for theme in THEMES:
            dashboard.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            yield size, theme


def shoot(dashboard: Dashboard, name: str) -> None:
    """The whole page, however long, into build/screenshots/."""
    path = FOLDER / f"{name}.png"
    dashboard.page.screenshot(path=path, full_page=True, animations="disabled")


def views(dashboard: Dashboard) -> Iterator[str]:
    """Opens what can be looked at, and yields the name of each view while it is open."""
    supakeep = dashboard.supakeep
    dashboard.page.goto(dashboard.address)
    dashboard.key_field.wait_for()
    yield "sign-in"
    dashboard.open().shows("There is no backup yet")
    yield "empty"
    name = live_for_weeks(supakeep)
    give_keys(supakeep)
    for view in ("backups", f"backups/{name}", "runs", "access", "settings"):
        dashboard.open(view)
        yield view.replace(f"backups/{name}", "backup")
    dashboard.open(f"backups/{name}").click("Drill")
    dashboard.shows("Every row went into a database that was thrown away")
    yield "drill"
    dashboard.open("settings").click("Simulate")
    dashboard.shows("nothing is removed")
    yield "retention"
    dashboard.open().shows("Latest backups")
    yield "overview"


def steps_of_a_restore(dashboard: Dashboard) -> Iterator[str]:
    """Spoils some rows, brings them back and undoes that; in the end a backup is at work."""
    supakeep = dashboard.supakeep
    supakeep.back_up()
    supakeep.execute("update user_credits set plan = 'spoiled' where plan = 'studio'")
    dashboard.open("restore").compare()
    yield "restore"
    dashboard.confirm("Restore now")
    dashboard.shows("were changed")
    yield "run"
    dashboard.page.get_by_role("link", name="Undo …").click()
    dashboard.shows("would change")
    yield "undo"
    with held_up(supakeep):
        dashboard.open().trigger()
        dashboard.shows("of about 11,935 rows")
        yield "running"
    dashboard.shows("is complete")
