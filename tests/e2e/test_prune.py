from __future__ import annotations

import datetime as dt
import io

from devstack.demo.ageing import age
from tests.e2e.deployment import Deployment


def names_by_age(supakeep: Deployment, days: int) -> list[str]:
    """A backup of today and one of each of the days before; newest first."""
    today = supakeep.back_up()["backup"]
    supakeep.stack.wait_idle()
    for store in (supakeep.primary, supakeep.mirror):
        manifest = supakeep.manifest(today, store)
        for ago in range(1, days + 1):
            age(store, manifest, ago, supakeep.stack.keyring)
    return supakeep.names()


def test_nine_days_of_backups_are_pruned_to_seven_in_both_stores(supakeep: Deployment) -> None:
    names = names_by_age(supakeep, 9)
    assert len(names) == 10

    run = supakeep.invoke("PruneFunction", {"action": "prune"})

    assert run["status"] == "complete"
    assert supakeep.names() == names[:7]
    for store in (supakeep.primary, supakeep.mirror):
        assert len(supakeep.keys(store)) == 14


def test_a_pinned_backup_is_not_pruned_until_it_is_unpinned(supakeep: Deployment) -> None:
    names = names_by_age(supakeep, 8)
    oldest = names[-1]

    pinned = supakeep.call("PUT", f"/api/admin/backups/{oldest}/pin", {"until": "2099-12-31"})

    assert pinned.status_code == 200, pinned.text
    assert [s["state"] for s in pinned.json()["stores"]] == ["pinned", "pinned"]
    supakeep.invoke("PruneFunction", {"action": "prune"})
    assert supakeep.names() == [*names[:7], oldest]
    assert "  pinned until 2099-12-31" in supakeep.run("list").out
    again = supakeep.run("pin", oldest)
    assert (again.code, again.out) == (0, f"{oldest} is pinned in primary, mirror\n")

    unpinned = supakeep.call("DELETE", f"/api/admin/backups/{oldest}/pin")

    assert [s["state"] for s in unpinned.json()["stores"]] == ["unpinned", "unpinned"]
    supakeep.invoke("PruneFunction", {"action": "prune"})
    assert supakeep.names() == names[:7]
    for store in (supakeep.primary, supakeep.mirror):
        assert len(supakeep.keys(store)) == 14


def test_the_prune_schedule_prunes(supakeep: Deployment) -> None:
    names = names_by_age(supakeep, 8)
    assert supakeep.stack.schedule("PruneFunction").error is None
    assert supakeep.names() == names[:7]


def test_a_dry_run_over_http_tells_what_would_go_and_why(supakeep: Deployment) -> None:
    names = names_by_age(supakeep, 8)

    answer = supakeep.call("POST", "/api/admin/prune", {"dry_run": True})

    assert answer.status_code == 200
    for store in answer.json()["stores"]:
        removed = {b["name"]: b["reason"] for b in store["backups"] if b["removed"]}
        assert removed == dict.fromkeys(names[7:], "older than 7 days")
    assert supakeep.names() == names


def test_a_prune_over_http_is_accepted_and_done(supakeep: Deployment) -> None:
    names = names_by_age(supakeep, 8)
    run = supakeep.follow(supakeep.call("POST", "/api/admin/prune"))
    assert (run["kind"], run["status"]) == ("prune", "complete")
    assert supakeep.names() == names[:7]


def test_more_than_a_hundred_objects_are_listed_and_pruned(supakeep: Deployment) -> None:
    names_by_age(supakeep, 1)
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    for number in range(120):
        moment = at + dt.timedelta(seconds=number)
        key = f"daily/backup_{supakeep.ref}_{moment:%Y-%m-%dT%H%M%S}Z.sql.json"
        supakeep.primary.put(key, io.BytesIO(b"left by a crashed run"))
    supakeep.execute("update storage.objects set updated_at = now() - interval '2 days' "
                     "where name like '%T0000%' or name like '%T0001%'")  # fmt: skip

    run = supakeep.invoke("PruneFunction", {"action": "prune"})

    primary = run["result"]["stores"][0]["backups"]
    swept = [b for b in primary if b["reason"] == "left by a run that did not finish"]
    assert len(swept) == 120
    assert len(supakeep.keys(supakeep.primary)) == 4


def test_where_the_bucket_is_gone_nothing_is_concluded(supakeep: Deployment) -> None:
    names_by_age(supakeep, 8)
    with supakeep.without_bucket():
        run = supakeep.invoke("PruneFunction", {"action": "prune"})

    assert run["status"] == "partial"
    primary = run["result"]["stores"][0]
    assert primary["problem"]["message"] == "Storage bucket not found"
    assert primary["backups"] == []
    assert len(supakeep.keys(supakeep.primary)) == 18
