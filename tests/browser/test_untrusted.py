"""Backups that are not believed: each is named with its label and its reason, and none is used by itself."""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from supakeep.archive.manifest import encode_manifest
from supakeep.archive.signature import Keyring
from tests.browser.history import put
from tests.builders.manifests import a_manifest

if TYPE_CHECKING:
    from supakeep.domain.manifest import Manifest
    from tests.browser.dashboard import Dashboard
    from tests.e2e.deployment import Deployment

REASONS = {
    "copies differ": "primary and mirror hold different backups",
    "unsigned": "only signed backups are accepted",
    "signature does not verify": "signed with a key that is neither SIGNING_KEY nor a former one",
    "damaged": "its checksum does not match",
}


def place_untrusted(supakeep: Deployment) -> dict[str, str]:
    """A backup for each label, of the nights before; their names by label."""
    ours, now = supakeep.stack.keyring, dt.datetime.now(dt.UTC)
    nights = [a_manifest(project=supakeep.ref, at=now - dt.timedelta(days=1 + n)) for n in range(4)]
    differing, unsigned, forged, damaged = nights
    put(supakeep.primary, differing, ours)
    put(supakeep.mirror, differing.model_copy(update={"warnings": ("Another one",)}), ours)
    put(supakeep.primary, unsigned, None)
    put(supakeep.primary, forged, Keyring("k" * 32))
    put_damaged(supakeep, damaged)
    return dict(zip(REASONS, (manifest.backup for manifest in nights), strict=True))


def put_damaged(supakeep: Deployment, manifest: Manifest) -> None:
    content = encode_manifest(manifest, supakeep.stack.keyring).replace(b'"17.6"', b'"17.5"')
    supakeep.primary.put(f"daily/{manifest.backup}.manifest.json", io.BytesIO(content))


def test_backups_that_are_not_trusted_are_named_with_their_labels_and_reasons(
    dashboard: Dashboard,
) -> None:
    supakeep = dashboard.supakeep
    good = supakeep.back_up()["backup"]
    untrusted = place_untrusted(supakeep)
    notices = dashboard.main.locator(".notice.fail")

    dashboard.open().shows("Not safe")
    for label, name in untrusted.items():
        dashboard.shows(f"{name} ({label})")
    dashboard.go("Backups")
    # many of them do not push the good ones out of sight
    expect(notices.first).to_be_hidden()
    expect(dashboard.main.locator("tbody tr")).to_have_count(1)
    expect(dashboard.main.locator("tbody tr")).to_contain_text(good)
    dashboard.page.get_by_text("4 backups cannot be trusted").click()
    expect(notices).to_have_count(4)
    for label, name in untrusted.items():
        expect(notices.filter(has_text=f"{name} ({label}): ")).to_contain_text(REASONS[label])

    supakeep.primary.delete(f"daily/{untrusted['damaged']}.manifest.json")
    dashboard.page.reload()
    expect(notices).to_have_count(3)
    expect(notices.first).to_be_visible()


def test_a_backup_of_which_the_copies_differ_is_not_shown_or_restored_by_itself(
    dashboard: Dashboard,
) -> None:
    supakeep = dashboard.supakeep
    supakeep.back_up()
    name = place_untrusted(supakeep)["copies differ"]
    dashboard.tolerated.append("422")

    for view in ("backups", "restore"):
        dashboard.open(f"{view}/{name}").shows(
            f"primary and mirror hold different backups named {name}"
        )
        commands = dashboard.main.locator(".notice .advice code")
        expect(commands.first).to_have_text(f"supakeep show {name} --from primary")
        expect(dashboard.page.get_by_role("button", name="Show what would change")).to_have_count(0)
        expect(dashboard.page.get_by_role("button", name="Verify")).to_have_count(0)
