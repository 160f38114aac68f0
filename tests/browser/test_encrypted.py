"""An encrypted backup in front of functions that have no private key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from supakeep.settings import PACKAGED_POLICY
from tests.browser.dashboard import OVERFLOW
from tests.builders.keys import PAPER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.dashboard import Dashboard


def test_an_encrypted_backup_is_looked_after_and_says_what_a_restore_of_it_needs(
    dashboard: Dashboard, tmp_path: Path
) -> None:
    policy = tmp_path / "supakeep.toml"
    encryption = f'[encryption]\nrecipients = ["{PAPER.public}"]\n'
    policy.write_text(f"{PACKAGED_POLICY.read_text()}\n{encryption}")
    name = dashboard.supakeep.run("backup", "--config", str(policy), "--json").json["name"]
    dashboard.open().shows("Your data is safe")

    dashboard.open(f"backups/{name}").shows(f"age, to {PAPER.public}")
    dashboard.shows("public.user_credits")
    dashboard.click("Verify")
    for store in ("primary", "mirror"):
        dashboard.shows(f"The copy in {store} is good")
    dashboard.shows("The rows are encrypted and were not read")
    commands = dashboard.main.locator(".notice.ok code")
    expect(commands.first).to_have_text(f"supakeep verify {name} --identity FILE")

    dashboard.go("Restore …").shows("This backup is encrypted")
    expect(dashboard.main.locator(".notice code")).to_have_text(
        f"supakeep restore {name} --identity FILE --dry-run"
    )
    dashboard.tolerated.append("422")
    dashboard.click("Show what would change")
    refusal = dashboard.main.get_by_role("alert")
    expect(refusal).to_contain_text(f"{name} is encrypted, and no identity was given")
    expect(refusal).to_contain_text(PAPER.public)
    expect(dashboard.page.get_by_label("Type")).to_have_count(0)
    dashboard.page.set_viewport_size({"width": 360, "height": 740})
    assert dashboard.page.evaluate(OVERFLOW) <= 0
