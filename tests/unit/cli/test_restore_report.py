"""What a restore prints on a terminal that is too narrow for its table."""

from __future__ import annotations

import io

import pytest

from supakeep.cli.restore_report import print_report
from supakeep.cli.terminal import Terminal
from supakeep.domain.manifest_parts import Problem
from supakeep.domain.restore import RestoredTable, RestoreReport
from supakeep.domain.row_changes import ChangedRow, WholeRow
from tests.builders.backups import CUSTOMERS, ITEMS
from tests.builders.manifests import PROJECT
from tests.fakes.database import InMemoryDatabase
from tests.unit.cli.conftest import Supakeep


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def damaged(supakeep: Supakeep, shop: InMemoryDatabase) -> InMemoryDatabase:
    """The database after a backup into `copies`: one item is gone."""
    supakeep("backup", "--to", "copies")
    shop.delete(ITEMS, id=1)
    return shop


@pytest.mark.usefixtures("damaged")
def test_a_dry_run_says_in_a_sentence_what_would_become_of_each_table(supakeep: Supakeep) -> None:
    ended = supakeep("restore", "latest", "--from", "copies", "--dry-run")

    sentence = "  5 in the backup, 1 to insert, 4 unchanged, 4 in the database"
    assert f"{ITEMS}\n{sentence}\n" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80


@pytest.mark.usefixtures("damaged")
def test_a_restore_says_in_a_sentence_what_became_of_each_table(supakeep: Supakeep) -> None:
    ended = supakeep("restore", "latest", "--from", "copies", "--confirm", PROJECT)

    sentence = "  5 in the backup, 1 inserted, 4 unchanged, 5 in the database"
    assert f"{ITEMS}\n{sentence}\n" in ended.out


def test_values_that_are_too_wide_stand_below_each_other(
    supakeep: Supakeep, shop: InMemoryDatabase
) -> None:
    supakeep("backup", "--to", "copies")
    shop.delete(CUSTOMERS, id=3)
    shop.triggers[CUSTOMERS] = {"name": "someone else of that name" * 3, "balance": 7}

    ended = supakeep("restore", "latest", "--from", "copies", "--confirm", PROJECT)

    name = '    name "customer 3"\n      -> "someone else'
    assert f"  {CUSTOMERS} id=3\n" in ended.out
    assert name in ended.out
    assert " -> 7\n" in ended.out


@pytest.mark.parametrize("width", [80, 200])
def test_a_count_that_failed_is_not_shown_as_no_rows(width: int) -> None:
    uncounted = RestoredTable(name=ITEMS, rows_in_backup=5, unchanged=5)
    report = RestoreReport(
        backup="backup", project=PROJECT, dry_run=False, read_from="primary", tables=(uncounted,)
    )

    assert "not counted" in printed(report, width)


def test_a_row_that_a_trigger_deleted_is_shown_by_its_key() -> None:
    gone = ChangedRow(key={"id": "7"}, columns={})
    table = RestoredTable(name=ITEMS, rows_in_backup=5, inserted=5, altered=1, altered_rows=(gone,))
    report = RestoreReport(
        backup="backup", project=PROJECT, dry_run=False, read_from="primary", tables=(table,)
    )

    assert f"  {ITEMS} id=7 is no longer there\n" in printed(report, 200)


def test_what_could_not_be_compared_is_named_with_its_fix() -> None:
    objection = Problem(message="Table public.x has no primary key", hint="Leave it out.")
    report = RestoreReport(
        backup="backup", project=PROJECT, dry_run=True, read_from="p", objections=(objection,)
    )

    text = printed(report, 200)

    assert "! Not compared: Table public.x has no primary key (Leave it out.)\n" in text


def test_the_schema_that_was_written_to_is_named() -> None:
    report = RestoreReport(
        backup="backup", project=PROJECT, dry_run=True, read_from="primary", into_schema="rescue"
    )

    head = f"backup into schema rescue of project {PROJECT}, read from primary, mode merge, dry run"
    assert printed(report, 200).startswith(head)


NOTES = {"n": "7.00", "note": '"two  blanks"', "long": '"' + "x" * 90 + '"', "end": "null"}


def with_rows(key: dict[str, str]) -> RestoreReport:
    table = RestoredTable(
        name=ITEMS,
        rows_in_backup=5,
        inserted=1,
        deleted=2,
        inserted_rows=(WholeRow(key=key, columns=NOTES),),
        deleted_rows=(
            WholeRow(key=key, columns={"n": "1"}),
            WholeRow(key={"a": "1", "b": '"x"'}, columns={}),
        ),
    )
    return RestoreReport(
        backup="backup", project=PROJECT, dry_run=True, read_from="primary", tables=(table,)
    )


def test_a_dry_run_prints_rows_to_insert_and_to_delete_with_their_values() -> None:
    lines = printed(with_rows({"id": "7"}), 200).splitlines()

    assert lines[-3:] == [
        f"  {ITEMS} id=7 to insert: " + ", ".join(f"{name} {NOTES[name]}" for name in NOTES),
        f"  {ITEMS} id=7 to delete: n 1",
        f'  {ITEMS} a=1, b="x" to delete',
    ]


def test_a_row_that_is_too_wide_for_a_line_fills_several_without_breaking_a_value() -> None:
    lines = printed(with_rows({}), 80).splitlines()

    assert lines[-6:-1] == [
        f"  {ITEMS} row to insert",
        '    n 7.00, note "two  blanks",',
        f"    long {NOTES['long']},",
        "    end null",
        f"  {ITEMS} row to delete: n 1",
    ]


def printed(report: RestoreReport, width: int) -> str:
    out = io.StringIO()
    print_report(Terminal(out, io.StringIO(), width=width), report)
    return out.getvalue()
