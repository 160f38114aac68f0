from __future__ import annotations

from pathlib import Path

import pytest

import supakeep
from supakeep.domain.policy import BackupPolicy, TablePolicy
from supakeep.errors import ConfigurationError
from tests.builders.keys import OURS, PAPER

PACKAGED = Path(supakeep.__file__).with_name("supakeep.toml")
ONE_TABLE = '[[table]]\nname = "user_credits"\n'
KEEP = f"{ONE_TABLE}[retention]\nkeep_within_days = "


def test_the_packaged_policy_is_the_list_of_the_guide() -> None:
    policy = BackupPolicy.parse(PACKAGED.read_text())

    assert {entry.qualified_name: entry.policy for entry in policy.table} == {
        "public.user_credits": TablePolicy(),
        "public.credit_transactions": TablePolicy(last_rows=10_000, order_by="created_at"),
        "public.batch_projects": TablePolicy(),
        "public.batch_images": TablePolicy(last_days=30, time_column="created_at"),
        "public.operation_costs": TablePolicy(),
    }
    assert [entry.name for entry in policy.table] == [
        "user_credits",
        "credit_transactions",
        "batch_projects",
        "batch_images",
        "operation_costs",
    ]
    assert policy.backup.tables == []
    assert policy.retention.keep_within_days == 7


def test_backups_are_stored_as_they_are_where_the_file_says_nothing() -> None:
    policy = BackupPolicy.parse(ONE_TABLE)

    assert str(policy.storage) == "none"
    assert policy.encryption.recipients == []


@pytest.mark.parametrize(
    ("storage", "words"),
    [
        ('compression = "zstd"', "zstd"),
        ('compression = "zstd"\nlevel = 19', "zstd, level 19"),
        ('compression = "gzip"\nlevel = 1', "gzip, level 1"),
        ('compression = "none"', "none"),
    ],
)
def test_backups_can_be_compressed(storage: str, words: str) -> None:
    assert str(BackupPolicy.parse(f"{ONE_TABLE}[storage]\n{storage}\n").storage) == words


@pytest.mark.parametrize(
    ("storage", "problem"),
    [
        ('compression = "xz"', "storage.compression"),
        ('compression = "gzip"\nlevel = 10', "level of gzip must be at most 9"),
        ('compression = "zstd"\nlevel = 20', "level of zstd must be at most 19"),
        ('compression = "zstd"\nlevel = 0', "storage.level"),
        ("level = 3", "level needs compression"),
        ("size = 3", "storage.size is not a key that Supakeep knows"),
    ],
)
def test_a_compression_that_does_not_exist_is_refused(storage: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        BackupPolicy.parse(f"{ONE_TABLE}[storage]\n{storage}\n")


def test_a_policy_for_chosen_tables_is_stored_as_the_whole_one() -> None:
    whole = BackupPolicy.parse(
        f'{ONE_TABLE}[storage]\ncompression = "zstd"\n[encryption]\nrecipients = ["{OURS.public}"]\n'
    )

    chosen = whole.for_tables(["public.a"])

    assert [entry.name for entry in chosen.table] == ["public.a"]
    assert (chosen.storage, chosen.encryption) == (whole.storage, whole.encryption)


def test_an_undo_copy_is_encrypted_where_the_policy_or_the_restored_backup_is() -> None:
    theirs = [PAPER.public]
    plain = BackupPolicy.parse(ONE_TABLE)
    ours = BackupPolicy.parse(f'{ONE_TABLE}[encryption]\nrecipients = ["{OURS.public}"]\n')

    assert plain.encrypted_at_least_to(theirs).encryption.recipients == theirs
    assert plain.encrypted_at_least_to([]).encryption.recipients == []
    assert ours.encrypted_at_least_to(theirs).encryption.recipients == [OURS.public]


def test_retention_is_seven_days_where_the_file_says_nothing() -> None:
    assert BackupPolicy.parse(ONE_TABLE).retention.keep_within_days == 7


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ('name = "t"', "all"),
        ('name = "t"\nlast_rows = 10_000\norder_by = "created_at"', "last 10,000 by created_at"),
        ('name = "t"\nlast_days = 30\ntime_column = "at"', "last 30 days by at"),
    ],
)
def test_a_table_policy_describes_its_window_in_words(entry: str, told: str) -> None:
    [table] = BackupPolicy.parse(f"[[table]]\n{entry}").table

    assert str(table.policy) == told
    assert table.policy.is_whole == (told == "all")


def test_a_table_without_a_schema_is_in_public() -> None:
    policy = BackupPolicy.parse('[[table]]\nname = "a"\n[[table]]\nname = "shop.b"')

    assert [entry.qualified_name for entry in policy.table] == ["public.a", "shop.b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("retention = 7", "retention: Input should be a valid dictionary or instance of RetentionPolicy"),
        ("[[tabel]]\nname = 'x'", "tabel is not a key that Supakeep knows"),
        (ONE_TABLE + "last_row = 5", "table.1.last_row is not a key that Supakeep knows"),
        (
            ONE_TABLE + ONE_TABLE.replace("credits", "x") + "color = 'red'",
            "table.2.color is not a key that Supakeep knows",
        ),
        (ONE_TABLE + "[retention]\nkeep_latest = 3", "retention.keep_latest is not a key that Supakeep knows"),
        (ONE_TABLE + "[backup]\nschema = ['public']", "backup.schema is not a key that Supakeep knows"),
        (KEEP + "0", "retention.keep_within_days: Input should be greater than 0"),
        (KEEP + "-1", "retention.keep_within_days: Input should be greater than 0"),
        (KEEP + "36501", "retention.keep_within_days: Input should be less than or equal to 36500"),
        (KEEP + "'7'", "retention.keep_within_days: Input should be a valid integer"),
        (KEEP + "true", "retention.keep_within_days: Input should be a valid integer"),
        (KEEP + "6.5", "retention.keep_within_days: Input should be a valid integer"),
        (ONE_TABLE + "last_rows = 0\norder_by = 'id'", "table.1.last_rows: Input should be greater than 0"),
        (ONE_TABLE + "last_days = -3\ntime_column = 'at'", "table.1.last_days: Input should be greater than 0"),
        (ONE_TABLE + "last_rows = 5", "table.1: last_rows and order_by go together"),
        (ONE_TABLE + "order_by = 'id'", "table.1: last_rows and order_by go together"),
        (ONE_TABLE + "last_days = 5", "table.1: last_days and time_column go together"),
        (ONE_TABLE + "time_column = 'at'", "table.1: last_days and time_column go together"),
        (
            ONE_TABLE + "last_rows = 5\norder_by = 'id'\nlast_days = 5\ntime_column = 'at'",
            "table.1: takes last_rows or last_days, not both",
        ),
        (ONE_TABLE + ONE_TABLE, "table public.user_credits has two [[table]] entries"),
        (
            ONE_TABLE + ONE_TABLE.replace("user_credits", "public.user_credits"),
            "table public.user_credits has two [[table]] entries",
        ),
        ("[[table]]\nname = ''", "table.1.name: String should have at least 1 character"),
        ("[[table]]\nlast_days = 3", "table.1.name: Field required"),
        ("[backup]\nexclude = 'tmp_*'", "backup.exclude: Input should be a valid list"),
        ("", 'nothing is backed up: add [[table]] entries or [backup] tables = "*"'),
        ("[retention]\nkeep_within_days = 3", 'nothing is backed up: add [[table]] entries or [backup] tables = "*"'),
        ("name = ", "is not valid TOML: Invalid value"),
        ("[retention]\nkeep_within_days = 7\nkeep_within_days = 8", "is not valid TOML: Cannot overwrite a value"),
    ],
)  # fmt: skip
def test_a_wrong_policy_file_is_refused_with_the_entry_that_is_wrong(
    text: str, message: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        BackupPolicy.parse(text, "my.toml")

    # where in a TOML text the error is differs between Python's versions
    assert refused.value.message.partition(" (at ")[0] == f"my.toml: {message}"
    assert refused.value.hint == "docs/configuration.md lists every key with an example."


@pytest.mark.parametrize(
    ("backup", "included"),
    [
        ('tables = "*"', {"public.orders", "public.tmp_a"}),
        ('tables = "*"\nexclude = ["tmp_*"]', {"public.orders"}),
        ('tables = "*"\nexclude = ["public.tmp_?"]', {"public.orders"}),
        ('tables = ["ord*", "tmp_[abc]"]', {"public.orders", "public.tmp_a"}),
        ('tables = "ORDERS"', set()),
        ('tables = "*"\nschemas = ["public", "shop"]', {"public.orders", "public.tmp_a", "shop.orders"}),
        ('tables = "shop.*"\nschemas = ["public", "shop"]', {"shop.orders"}),
        ('tables = "*"\nschemas = ["other"]', set()),
    ],
)  # fmt: skip
def test_patterns_take_tables_of_the_named_schemas(backup: str, included: set[str]) -> None:
    patterns = BackupPolicy.parse(f"[backup]\n{backup}").backup
    tables = [("public", "orders"), ("public", "tmp_a"), ("shop", "orders")]

    assert {f"{s}.{t}" for s, t in tables if patterns.includes(s, t)} == included


def test_the_column_of_a_window_cannot_be_excluded() -> None:
    text = '[[table]]\nname = "t"\nlast_rows = 5\norder_by = "at"\nexclude_columns = ["at"]'

    with pytest.raises(ConfigurationError, match="at chooses the rows, so exclude_columns cannot"):
        BackupPolicy.parse(text)


def test_what_is_kept_for_an_undo_leaves_the_same_columns_out() -> None:
    policy = BackupPolicy.parse('[[table]]\nname = "people"\nexclude_columns = ["email"]')

    entries = policy.for_tables(["public.people", "public.orders"]).table

    assert [entry.policy.excluded for entry in entries] == [("email",), ()]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ('mask = { email = "md5" }', "mask.email: Input should be 'hash' or 'null'"),
        (
            'mask = { at = "null" }\nlast_days = 3\ntime_column = "at"',
            "at chooses the rows, so mask cannot",
        ),
        (
            'mask = { at = "null" }\nexclude_columns = ["at"]',
            "at is in exclude_columns and in mask",
        ),
    ],
)
def test_a_mask_that_contradicts_the_entry_is_refused(entry: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        BackupPolicy.parse(f'[[table]]\nname = "t"\n{entry}')


def test_what_is_kept_for_an_undo_leaves_masked_columns_out() -> None:
    policy = BackupPolicy.parse(
        '[[table]]\nname = "people"\nexclude_columns = ["iban"]\nmask = { email = "hash" }'
    )

    (entry,) = policy.for_tables(["public.people"]).table

    assert (entry.policy.excluded, entry.policy.masked) == (("iban", "email"), ())
