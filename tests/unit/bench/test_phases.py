from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from bench.__main__ import _phases, main
from bench.phases import Phase, with_needed


def test_a_phase_brings_those_that_it_is_compared_with() -> None:
    assert with_needed([Phase.MEMORY]) == {Phase.MEMORY, Phase.BACKUP, Phase.RESTORE}
    assert with_needed([Phase.REPAIR]) == {Phase.REPAIR}


def test_phases_are_named_with_commas() -> None:
    assert _phases("backup,repair") == (Phase.BACKUP, Phase.REPAIR)


def test_an_unknown_phase_is_refused_with_the_known_ones() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="'restores' is none of backup, restore"):
        _phases("backup,restores")


def test_nothing_is_measured_where_a_phase_is_misspelled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "restores", "--output", str(tmp_path / "bench.json")])

    assert "'restores' is none of" in capsys.readouterr().err
    assert not (tmp_path / "bench.json").exists()
