"""`make pictures`: the screenshots of every view, and the two small pictures of README and docs/."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from devstack import PROJECT
from devstack.stack import Options
from tests.browser.chromium import chromium
from tests.browser.dashboard import tab
from tests.browser.screenshots import FOLDER, forms, shoot, steps_of_a_restore, views
from tests.e2e.deployment import deployed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.browser.dashboard import Dashboard
    from tests.e2e.deployment import Deployment

IMAGES = PROJECT / "docs/images"
# wide enough for a table beside others, and scaled to the width of a README
WIDTH, HEIGHT, SCALE = 1152, 900, 820 / 1152
QUALITY = 85


def main() -> None:
    with chromium() as browser, deployed(Options(engine="postgres")) as supakeep:
        for walk in (views, steps_of_a_restore):
            with supakeep.afresh(), tab(browser, supakeep) as dashboard:
                shoot_every_form(dashboard, walk(dashboard))
        with supakeep.afresh():
            shoot_small_pictures(browser, supakeep)
    made = len([*FOLDER.glob("*.png")])
    sys.stdout.write(
        f"{made} screenshots are in {FOLDER.relative_to(PROJECT)}/, and those of the documents in "
        f"{IMAGES.relative_to(PROJECT)}/.\n"
    )


def shoot_every_form(dashboard: Dashboard, opened: Iterator[str]) -> None:
    for view in opened:
        for size, theme in forms(dashboard):
            shoot(dashboard, f"{view}-{theme}-{size}")


def shoot_small_pictures(browser: Browser, supakeep: Deployment) -> None:
    small = {"viewport": {"width": WIDTH, "height": HEIGHT}, "device_scale_factor": SCALE}
    with tab(browser, supakeep, **small) as dashboard:
        for view in views(dashboard):
            if view == "overview":
                shoot_small(dashboard, "dashboard-overview")
        supakeep.execute("update user_credits set plan = 'free' where plan = 'studio'")
        supakeep.execute("delete from batch_images where status = 'failed'")
        dashboard.open("restore").compare()
        dashboard.main.locator(".wizard section").last.scroll_into_view_if_needed()
        shoot_small(dashboard, "dashboard-restore")


def shoot_small(dashboard: Dashboard, name: str) -> None:
    """What a window shows of it."""
    path = IMAGES / f"{name}.jpg"
    dashboard.page.screenshot(path=path, type="jpeg", quality=QUALITY, animations="disabled")


if __name__ == "__main__":
    main()
