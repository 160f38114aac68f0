"""Thousands of manifests share what they have in common, and are equal to what was read."""

from __future__ import annotations

import datetime as dt

from supakeep.usecases.list_backups import list_backups
from supakeep.usecases.shared_parts import SharedParts
from tests.builders.manifests import PROJECT, a_manifest, an_entry, place_backup
from tests.builders.tables import a_table
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.time import NOON


def test_listed_backups_share_the_columns_and_policies_of_their_tables() -> None:
    store = InMemoryObjectStore()
    for hours in range(3):
        place_backup(store, at=NOON - dt.timedelta(hours=hours))

    tables = [b.manifest.tables[0] for b in list_backups([store], PROJECT).backups if b.manifest]

    assert len(tables) == 3
    assert len({id(table.columns) for table in tables}) == 1
    assert len({id(table.policy) for table in tables}) == 1


def test_a_manifest_stays_equal_and_other_columns_stay_others() -> None:
    shared = SharedParts()
    first = a_manifest()
    changed = an_entry(a_table().model_copy(update={"columns": a_table().columns[:1]}))
    other = a_manifest(at=NOON - dt.timedelta(days=1), tables=(changed,))

    assert shared.of(first) == first
    assert shared.of(other) == other
    assert shared.of(other).tables[0].columns == changed.columns
