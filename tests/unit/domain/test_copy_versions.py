from __future__ import annotations

import pytest

from supakeep.domain.copy_versions import copies_differ, is_same_backup, versions_of
from supakeep.domain.manifest import BackupStatus, CopyState, Signature
from supakeep.domain.manifest_parts import ErasedRows, Problem
from tests.builders.manifests import a_manifest, an_entry
from tests.fakes.time import NOON

MISSED = CopyState(name="offsite", problem=Problem(message="It did not answer"))


def test_what_a_store_knew_of_the_copies_makes_no_other_backup() -> None:
    early = a_manifest()
    late = early.model_copy(update={"copies": (MISSED,), "status": BackupStatus.PARTIAL})
    signed = early.model_copy(
        update={"signature": Signature(algorithm="HMAC-SHA256", key_id="0", value="0")}
    )

    assert is_same_backup(early, late)
    assert is_same_backup(early, signed)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": BackupStatus.PARTIAL},
        {"tables": (an_entry(rows=3),)},
        {"volumes": ()},
        {"trigger": "drill"},
        {"warnings": ("a sentence",)},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_anything_else_does(fields: dict[str, object]) -> None:
    assert not is_same_backup(a_manifest(), a_manifest().model_copy(update=fields))


def test_stores_that_agree_are_one_version_and_the_first_ones_comes_first() -> None:
    ours, theirs = a_manifest(), a_manifest(tables=())

    versions = versions_of([("primary", ours), ("mirror", theirs), ("offsite", ours)])

    assert [version.stores for version in versions] == [("primary", "offsite"), ("mirror",)]
    assert [version.manifest for version in versions] == [ours, theirs]


def test_the_error_says_which_store_says_what_and_what_to_do() -> None:
    ours, theirs = a_manifest(tables=(an_entry(rows=1_200),)), a_manifest(tables=(), volumes=())
    name = ours.backup

    error = copies_differ(versions_of([("primary", ours), ("mirror", theirs), ("offsite", ours)]))

    assert error.message == (
        f"primary and mirror hold different backups named {name} "
        "(primary and offsite: 1,200 rows in 1 table, of 2026-11-22 12:00:00 UTC; "
        "mirror: 0 rows in 0 tables, of 2026-11-22 12:00:00 UTC; they differ in tables, volumes)"
    )
    assert error.hint is not None
    assert f"`supakeep show {name} --from primary`" in error.hint
    assert f"`supakeep show {name} --from mirror`" in error.hint


def test_where_rows_were_erased_from_one_of_them_the_error_says_how_to_go_on() -> None:
    ours = a_manifest()
    erased = ErasedRows(at=NOON, table="public.customers", rows=3)
    theirs = ours.model_copy(update={"erased": (erased,)})

    hints = [
        copies_differ(versions_of([("primary", ours), ("mirror", other)])).hint or ""
        for other in (theirs, ours.model_copy(update={"volumes": ()}))
    ]

    assert ["run the same `supakeep erase` again" in hint for hint in hints] == [True, False]
