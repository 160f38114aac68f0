from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supakeep.domain.backup_name import (
    BackupName,
    ObjectName,
)
from supakeep.errors import InvalidRequestError

refs = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
moments = st.integers(946_684_800, 32_503_680_000).map(
    lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC)
)


def test_the_first_scheduled_backup_of_a_day_is_named_by_the_day() -> None:
    name = BackupName.daily("abc", dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC))

    assert name.text == "backup_abc_2026-11-22"
    assert name.document_key == "daily/backup_abc_2026-11-22.sql.json"
    assert name.manifest_key == "daily/backup_abc_2026-11-22.manifest.json"
    assert name.volume_key(1) == "daily/backup_abc_2026-11-22.sql.json.001"
    assert name.volume_key(1000) == "daily/backup_abc_2026-11-22.sql.json.1000"


def test_any_other_backup_is_named_to_the_second() -> None:
    name = BackupName.timed("abc", dt.datetime(2026, 11, 22, 14, 15, 2, tzinfo=dt.UTC))

    assert name.text == "backup_abc_2026-11-22T141502Z"


@given(refs, moments)
def test_every_name_reads_back_as_itself_with_its_project(ref: str, at: dt.datetime) -> None:
    for name in (BackupName.daily(ref, at), BackupName.timed(ref, at)):
        assert BackupName.parse(name.text) == name
        assert BackupName.parse(str(name)) == name
        assert name.project_ref == ref


@given(refs, st.lists(moments, min_size=2, max_size=10))
def test_names_of_one_project_sort_by_time(ref: str, times: list[dt.datetime]) -> None:
    in_order = [BackupName.timed(ref, at) for at in sorted(times)]

    assert sorted(in_order) == in_order


@given(refs, moments)
def test_the_days_first_backup_sorts_before_the_days_others(ref: str, at: dt.datetime) -> None:
    assert BackupName.daily(ref, at) < BackupName.timed(ref, at)


@given(refs, moments, st.integers(min_value=1, max_value=20_000))
def test_every_object_of_a_backup_is_known_as_its_own(
    ref: str, at: dt.datetime, number: int
) -> None:
    name = BackupName.timed(ref, at)

    assert ObjectName.parse(name.manifest_key) == ObjectName(name, is_manifest=True)
    for key in (name.document_key, name.volume_key(number)):
        assert ObjectName.parse(key) == ObjectName(name, is_manifest=False)
    pin = ObjectName(name, is_manifest=False, is_pin=True)
    assert ObjectName.parse(name.pin_key(number)) == pin
    for encoding in (".gz", ".zst", ".age", ".gz.age", ".zst.age"):
        encoded = ObjectName(name, is_manifest=False, encoding=encoding)
        assert ObjectName.parse(name.document_key + encoding) == encoded
        assert ObjectName.parse(name.volume_key(number, encoding)) == encoded


@pytest.mark.parametrize(
    "suffix",
    [".manifest.json.gz", ".sql.json.age.zst", ".sql.json.001.zst", ".1.pin.json", ".pin.json.001"],
)
def test_what_no_backup_writes_is_not_an_object_of_one(suffix: str) -> None:
    assert ObjectName.parse(f"daily/backup_abc_2026-11-22{suffix}") is None


@pytest.mark.parametrize(
    "suffix", [".sql.json", ".sql.json.zst.age", ".sql.json.gz", ".manifest.json"]
)
def test_the_name_of_a_document_or_a_manifest_names_its_backup(suffix: str) -> None:
    assert BackupName.parse(f"backup_abc_2026-11-22{suffix}").text == "backup_abc_2026-11-22"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "latest",
        "backup",
        "backup_abc",
        "backup__2026-11-22",
        "backup_abc_2026-13-01",
        "backup_abc_2026-02-30",
        "backup_abc_0000-01-01",
        "backup_abc_2026-11-22T250000Z",
        "backup_abc_2026-11-22T14:15:02Z",
        "backup_abc_2026-11-22T141502",
        "backup_ABC_2026-11-22",
        "backup_-abc_2026-11-22",
        "backup_a_c_2026-11-22",
        "Backup_abc_2026-11-22",
        "backup_abc_2026-11-22 ",
        " backup_abc_2026-11-22",
        "backup_abc_2026-11-22\n",
        "backup_abc_2026-11-22\x00",
        "backup_abc_\u0662\u0660\u0662\u0666-11-22",
        "backup_abc_2026-11-22T1\u06641502Z",
        "daily/backup_abc_2026-11-22",
        "/backup_abc_2026-11-22",
        "../backup_abc_2026-11-22",
        "backup_../../etc/passwd_2026-11-22",
        "backup_abc_2026-11-22/../../secrets",
        "backup_abc_2026-11-22%2f..",
        "..\\backup_abc_2026-11-22",
        "backup_abc_2026-11-22.sql.json.001",
        f"backup_{'a' * 64}_2026-11-22",
    ],
)
def test_anything_else_is_refused_as_a_name(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="is not the name of a backup") as refused:
        BackupName.parse(text)

    assert refused.value.hint is not None
    assert "backup_<project ref>_2026-11-22" in refused.value.hint


@given(st.text(max_size=80))
def test_no_text_is_read_as_a_name_with_a_path_in_it(text: str) -> None:
    try:
        name = BackupName.parse(text)
    except InvalidRequestError:
        return
    assert name.text.isascii()
    assert "/" not in name.text
    assert ".." not in name.text


def test_a_refused_name_is_quoted_in_part_where_it_is_long() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        BackupName.parse("x" * 5000)

    assert len(refused.value.message) < 200


@pytest.mark.parametrize(
    "key",
    [
        "backup_abc_2026-11-22.sql.json",
        "daily/backup_abc_2026-11-22",
        "daily/backup_abc_2026-11-22.sql.json.1",
        "daily/backup_abc_2026-11-22.sql.json.001.part",
        "daily/backup_abc_2026-11-22.txt",
        "daily/backup_abc_2026-11-31.sql.json",
        "daily/backup_abc_2026-11-22.sql.json.\u0660\u0660\u0661",
        "daily/notes.txt",
        "daily/sub/backup_abc_2026-11-22.sql.json",
        "daily/../daily/backup_abc_2026-11-22.sql.json",
        "daily/.emptyFolderPlaceholder",
    ],
)
def test_an_object_with_another_name_is_none_of_ours(key: str) -> None:
    assert ObjectName.parse(key) is None
