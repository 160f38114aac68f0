from __future__ import annotations

import json
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from bench.figures import HEADINGS, Figure, as_json, as_parts, as_table, figure_of

seconds = st.floats(min_value=0.001, max_value=1e6)
runs = st.lists(seconds, min_size=1, max_size=9)


def test_a_figure_is_of_medians_so_that_one_slow_run_does_not_count() -> None:
    figure = figure_of("backup", [2.0, 90.0, 1.0], [4.0, 5.0, 3.0], "s", 0.5)
    assert (figure.ours, figure.rival, figure.ratio) == (2.0, 4.0, 0.5)
    assert figure.is_met


def test_a_target_is_compared_before_rounding() -> None:
    figure = figure_of("backup", [0.5004], [1.0], "s", 0.5)
    assert "| 0.50 |" in as_table([figure])
    assert not figure.is_met


def test_a_good_ratio_does_not_make_up_for_too_much_memory() -> None:
    assert figure_of("memory", [199.0], [199.0], "MB", 1.1, most=200).is_met
    assert not figure_of("memory", [201.0], [201.0], "MB", 1.1, most=200).is_met


def test_a_rival_that_took_nothing_is_never_beaten() -> None:
    assert not figure_of("WAL", [0.1], [0.0], "MB", 1.0).is_met


@given(runs, runs)
def test_the_ratio_is_that_of_the_shown_figures(ours: list[float], rival: list[float]) -> None:
    figure = figure_of("any", ours, rival, "s", 1.0)
    assert min(ours) <= figure.ours <= max(ours)
    assert figure.ratio == figure.ours / median(rival)


def test_the_table_is_markdown_with_one_line_a_figure() -> None:
    lines = as_table([Figure("a", 1, 2, "s", 0.4), Figure("long name", 1000, 1, "MB", 1.1, 200)])
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines.splitlines()]
    assert table[0] == list(HEADINGS)
    assert table[2] == ["a", "1.00", "2.00", "s", "0.50", "0.40", "no"]
    assert table[3][1:] == ["1,000.00", "1.00", "MB", "1000.00", "1.10, at most 200 MB", "no"]
    assert len({len(line) for line in lines.splitlines()}) == 1


def test_the_json_holds_what_a_program_wants_to_compare() -> None:
    assert json.loads(as_json([Figure("backup", 1.0, 4.0, "s", 0.4)])) == [
        {
            "figure": "backup",
            "ours": 1.0,
            "rival": 4.0,
            "unit": "s",
            "ratio": 0.25,
            "target": 0.4,
            "most": None,
            "parts": None,
            "met": True,
        }
    ]


def test_a_figure_without_a_rival_has_a_target_of_its_own() -> None:
    cold = Figure("import", 0.39, None, "s", None, most=0.4)

    assert cold.is_met
    assert not Figure("import", 0.4001, None, "s", None, most=0.4).is_met
    cells = [cell.strip() for cell in as_table([cold]).splitlines()[2].strip("|").split("|")]
    assert cells == ["import", "0.39", "", "s", "", "at most 0.4 s", "yes"]
    assert json.loads(as_json([cold]))[0]["ratio"] is None


def test_parts_are_named_as_far_as_they_matter() -> None:
    parts = {"a library": 0.2, "another": 0.0021, "a small one": 0.0002}

    assert as_parts(Figure("import", 0.39, None, "s", None, parts=parts)) == (
        "a library 0.200 s, another 0.002 s"
    )
