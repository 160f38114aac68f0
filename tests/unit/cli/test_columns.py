from __future__ import annotations

import pytest
from rich.cells import cell_len

from supakeep.cli.columns import aligned, width_of
from tests.builders.backups import a_shop
from tests.builders.tables import a_table
from tests.fakes.database import InMemoryDatabase
from tests.unit.cli.conftest import Supakeep, Surroundings


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("orders", 6),
        ("注文", 4),
        ("주문", 4),
        ("ｶﾅ", 2),
        ("e\N{COMBINING ACUTE ACCENT}", 1),
        ("", 0),
    ],
)
def test_a_text_is_as_wide_as_a_terminal_shows_it(text: str, cells: int) -> None:
    assert width_of(text) == cells


def test_what_follows_wide_characters_stands_below_its_heading() -> None:
    lines = aligned([("TABLE", "ROWS", "STATUS"), ("public.注文", "12", "complete")])

    assert lines == ["TABLE        ROWS  STATUS", "public.注文    12  complete"]


def test_the_tables_of_a_backup_are_aligned_whatever_their_names(
    supakeep: Supakeep, around: Surroundings
) -> None:
    shop: InMemoryDatabase = a_shop()
    shop.add_table(a_table("顧客一覧"), [b'{"id":1}'])
    around.adapters["database"] = shop

    lines = supakeep("backup", "--to", "copies").out.splitlines()

    head = next(number for number, line in enumerate(lines) if line.startswith("TABLE"))
    ends = {cell_len(line.partition(" bytes")[0]) for line in lines[head + 1 :]}
    assert len(ends) == 1
    assert any("顧客一覧" in line for line in lines)
