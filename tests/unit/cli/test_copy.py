from __future__ import annotations

import datetime as dt

import pytest

from tests.builders.backups import NAME, a_shop, back_up
from tests.builders.manifests import place_backup
from tests.fakes.faulty_object_store import FailingObjectStore
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON
from tests.unit.cli.conftest import Supakeep, Surroundings


def test_the_newest_backup_is_copied_to_the_store_that_lacks_it(
    supakeep: Supakeep, primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    back_up(a_shop(), primary)

    looked = supakeep("copy", "--dry-run")
    copied = supakeep("copy", "latest", "--to", "mirror")
    again = supakeep("copy", "--json")

    assert looked.code == copied.code == again.code == 0
    assert "2 missing would be copied" in looked.out
    assert "2 missing copied" in copied.out
    assert mirror.objects == primary.objects
    [backup] = again.json["backups"]
    assert [(s["store"], s["written"], s["problem"]) for s in backup["stores"]] == [
        ("primary", [], None),
        ("mirror", [], None),
    ]


def test_all_that_retention_keeps_is_copied(
    supakeep: Supakeep, primary: InMemoryObjectStore, mirror: InMemoryObjectStore
) -> None:
    names = [place_backup(primary, at=NOON - dt.timedelta(days=days)) for days in (0, 3, 30)]

    copied = supakeep("copy", "--all", "--to", "mirror")

    assert copied.code == 0
    assert "left out: older than 7 days" in copied.out
    assert sorted(mirror.objects) == sorted(
        key for name in names[:2] for key in (name.document_key, name.manifest_key)
    )


def test_a_store_that_refuses_is_named(
    supakeep: Supakeep,
    around: Surroundings,
    primary: InMemoryObjectStore,
    mirror: InMemoryObjectStore,
) -> None:
    back_up(a_shop(), primary)
    around.adapters["copies"] = [FailingObjectStore(mirror, "put")]

    copied = supakeep("copy", NAME.text)

    assert copied.code == 3
    assert f"{NAME}, mirror: mirror did not answer" in " ".join((copied.out + copied.err).split())


@pytest.mark.usefixtures("primary")
def test_without_a_copy_there_is_nothing_to_copy_to(
    supakeep: Supakeep, around: Surroundings
) -> None:
    around.adapters["copies"] = ()

    refused = supakeep("copy")

    assert refused.code == 1
    assert "error: There is no copy to copy to or from" in refused.err
