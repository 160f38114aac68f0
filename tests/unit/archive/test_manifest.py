from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from supakeep.archive.manifest import encode_manifest, parse_manifest
from supakeep.archive.sealed_json import checksum_of
from supakeep.domain.manifest import CopyState, Part, TableStatus
from supakeep.domain.manifest_parts import Problem, VolumeEntry
from supakeep.errors import FormatVersionError, IntegrityError, ManifestError
from tests.builders.manifests import a_manifest, an_entry
from tests.builders.tables import a_table

MANIFEST = a_manifest(
    tables=(
        an_entry(
            a_table("user_credits", "name text", references=("public.plans",)),
            rows=2,
            parts=(Part(rows=2, bytes=10, sha256="0" * 64, volume=1, offset=5),),
        ),
        an_entry(a_table("orders"), status=TableStatus.FAILED),
    ),
    copy_problem=Problem(message="The copy in mirror failed: café", hint="Look at it"),
    warnings=("rows were written meanwhile",),
)
KEY = MANIFEST.name.manifest_key
STORED = encode_manifest(MANIFEST)


def edited(**fields: Any) -> bytes:
    """The stored manifest with fields set and its checksum left as it was."""
    return json.dumps({**json.loads(STORED), **fields}).encode()


def written_by_a_newer_version(**fields: Any) -> bytes:
    """The stored manifest with fields set and a checksum that matches."""
    content = {**json.loads(STORED), **fields}
    del content["checksum"]
    return json.dumps({**content, "checksum": checksum_of(content)}).encode()


def test_a_manifest_reads_back_as_it_was_written() -> None:
    assert parse_manifest(STORED, KEY) == MANIFEST


def test_a_stored_manifest_is_json_for_people() -> None:
    assert json.loads(STORED)["format"] == "supakeep/1.1"
    assert STORED.count(b"\n") > 50
    assert STORED.endswith(b"}\n")


@pytest.mark.parametrize(
    "fields",
    [
        {"project": "other"},
        {"status": "complete"},
        {"started_at": "2026-11-22T12:00:01Z"},
        {"volumes": []},
        {"tables": []},
        {"warnings": ["another"]},
        {"checksum": "0" * 64},
        {"checksum": None},
        {"one_more": 1},
    ],
)
def test_an_edited_field_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ManifestError, match="its checksum does not match") as refused:
        parse_manifest(edited(**fields), KEY)

    assert refused.value.key == KEY
    assert refused.value.hint is not None
    assert "--from and the name of its store" in refused.value.hint


@given(st.integers(0, len(STORED) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_nothing(offset: int, difference: int) -> None:
    changed = bytearray(STORED)
    changed[offset] ^= difference

    try:
        read = parse_manifest(bytes(changed), KEY)
    except IntegrityError:
        return
    # white space, or the case of a hexadecimal digit in an escape
    assert read == MANIFEST
    assert json.loads(changed) == json.loads(STORED)


@given(st.integers(0, len(STORED) - 1), st.integers(0, 7))
def test_a_flipped_bit_of_a_letter_or_digit_is_refused(offset: int, bit: int) -> None:
    changed = bytearray(encode_manifest(MANIFEST.model_copy(update={"copies": ()})))
    offset %= len(changed)
    changed[offset] ^= 1 << bit

    with pytest.raises(IntegrityError):
        parse_manifest(bytes(changed), KEY)


@given(st.integers(0, len(STORED) - 3))
@example(0)
def test_a_manifest_that_is_cut_short_is_refused(length: int) -> None:
    with pytest.raises(ManifestError, match="it is not JSON"):
        parse_manifest(STORED[:length], KEY)


@given(st.binary(max_size=200))
@example(b"[" * 100_000)
@example(b"[]")
@example(b"null")
@example(b'{"format":"supakeep/1"}')
@example(b"\xff\xfe{\x00}\x00")
def test_bytes_that_are_no_manifest_are_refused(content: bytes) -> None:
    with pytest.raises(ManifestError, match="cannot be trusted"):
        parse_manifest(content, KEY)


@pytest.mark.parametrize("version", ["supakeep/2", "supakeep/2.1", "supakeep/10"])
def test_a_newer_major_version_is_refused_with_a_clear_sentence(version: str) -> None:
    content = json.dumps({"format": version, "unheard": "of"}).encode()

    with pytest.raises(FormatVersionError) as refused:
        parse_manifest(content, KEY)

    assert refused.value.message == (
        f"{KEY} has format {version}, and this version of Supakeep reads up to supakeep/1.1"
    )
    assert refused.value.hint == "Update Supakeep; nothing was changed."


@pytest.mark.parametrize("version", ["backup/1", "supakeep", "supakeep/", "supakeep/one", None, 1])
def test_an_unknown_format_is_refused(version: object) -> None:
    with pytest.raises(ManifestError, match=r"its format .* is unknown"):
        parse_manifest(edited(format=version), KEY)


def test_fields_of_a_later_minor_version_are_passed_over() -> None:
    table = json.loads(STORED)["tables"][0]
    column = {**table["columns"][0], "collation": "C"}
    table |= {
        "columns": [column, *table["columns"][1:]],
        "compressed_bytes": 5,
        "policy": {**table["policy"], "where": "deleted_at is null"},
    }
    tables = [table, json.loads(STORED)["tables"][1]]
    content = written_by_a_newer_version(format="supakeep/1.3", places="two", tables=tables)

    read = parse_manifest(content, KEY)

    assert read.format == "supakeep/1.3"
    assert read.tables == MANIFEST.tables


@pytest.mark.parametrize(
    "fields",
    [
        {"started_at": "yesterday"},
        {"tables": "none"},
        {"backup": "../../etc/passwd"},
        {"backup": "latest"},
        {"status": "splendid"},
    ],
)
def test_fields_that_no_manifest_has_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ManifestError, match="its fields are not those of a manifest"):
        parse_manifest(written_by_a_newer_version(**fields), KEY)


def test_a_manifest_under_another_backups_name_is_refused() -> None:
    with pytest.raises(ManifestError, match=f"it describes {MANIFEST.backup}"):
        parse_manifest(STORED, "daily/backup_jewelshot_2026-01-01.manifest.json")


@pytest.mark.parametrize(
    "key",
    [
        "../../etc/passwd",
        "daily/backup_jewelshot_2026-01-01.sql.json",
        "daily/backup_other_2026-11-22T120000Z.sql.json",
        MANIFEST.name.manifest_key,
    ],
)
def test_a_manifest_that_points_to_objects_of_others_is_refused(key: str) -> None:
    volume = VolumeEntry(key=key, bytes=1, sha256="0" * 64)
    content = encode_manifest(MANIFEST.model_copy(update={"volumes": (volume,)}))

    with pytest.raises(ManifestError, match="its volumes are not its own"):
        parse_manifest(content, KEY)


@pytest.mark.parametrize(
    "fields",
    [{"parts": []}, {"rows": 3}, {"rows": 0, "bytes": 0}, {"bytes": 11}],
    ids=["no parts", "too many rows", "no rows", "too many bytes"],
)
def test_a_complete_table_whose_parts_are_not_all_of_its_rows_is_refused(
    fields: dict[str, Any],
) -> None:
    whole, failed = json.loads(STORED)["tables"]

    with pytest.raises(ManifestError, match=r"public.user_credits has .* rows in .* its parts"):
        parse_manifest(written_by_a_newer_version(tables=[{**whole, **fields}, failed]), KEY)


def test_negative_sizes_are_refused() -> None:
    whole, failed = json.loads(STORED)["tables"]
    parts = [{**whole["parts"][0], "rows": rows} for rows in (5, -3)]

    with pytest.raises(ManifestError, match="its fields are not those of a manifest"):
        parse_manifest(written_by_a_newer_version(tables=[{**whole, "parts": parts}, failed]), KEY)


def test_a_backup_is_good_where_every_table_is_whole() -> None:
    assert a_manifest().is_good
    assert a_manifest(copy_problem=Problem(message="gone")).is_good
    assert not a_manifest(good=False).is_good


def test_a_manifest_sums_up_what_it_holds() -> None:
    assert MANIFEST.rows == 2
    assert MANIFEST.size_bytes == len(b"a document")
    assert MANIFEST.duration_seconds == 42
    assert MANIFEST.entry("public.orders") == MANIFEST.tables[1]
    assert MANIFEST.entry("public.ghost") is None


def test_a_table_entry_knows_its_schema_and_name() -> None:
    table = an_entry(a_table("odd.name", schema="shop")).table

    assert (table.schema_name, table.name) == ("shop", "odd.name")


def test_a_table_is_found_again_whose_schema_has_a_dot_in_its_name() -> None:
    table = a_table("items.old", schema="v1.2")
    manifest = a_manifest(tables=(an_entry(table),))

    [entry] = parse_manifest(encode_manifest(manifest), manifest.name.manifest_key).tables

    assert entry.name == "v1.2.items.old"
    assert (entry.table.schema_name, entry.table.name) == ("v1.2", "items.old")


def test_an_earlier_manifest_names_the_schema_before_the_first_dot() -> None:
    stored = json.loads(STORED)
    for entry in stored["tables"]:
        del entry["schema_name"]

    manifest = parse_manifest(written_by_a_newer_version(tables=stored["tables"]), KEY)

    names = [(entry.table.schema_name, entry.table.name) for entry in manifest.tables]
    assert names == [("public", "user_credits"), ("public", "orders")]


def test_what_earlier_versions_say_of_their_mirror_is_read_as_a_copys_state() -> None:
    fields = json.loads(encode_manifest(a_manifest()))
    del fields["checksum"], fields["copies"]
    fields["mirror_error"] = {"message": "The mirror failed", "hint": None}
    stored = json.dumps({**fields, "checksum": checksum_of(fields)}).encode()

    read = parse_manifest(stored, KEY)

    assert read.copies == (CopyState(name="mirror", problem=Problem(message="The mirror failed")),)
