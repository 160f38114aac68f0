"""What it takes to add a command: one file with a Command, and its line in the registry."""

from __future__ import annotations

from pathlib import Path

import pytest

import supakeep.cli
from supakeep.cli.command import GOOD, Command
from supakeep.cli.commands import COMMANDS
from supakeep.cli.options import Name
from supakeep.cli.session import Session
from tests.unit.cli.conftest import Supakeep, Surroundings


def pin(session: Session, name: Name) -> int:
    session.terminal.line(f"{name} stays")
    return GOOD


def test_a_new_command_is_one_line_in_the_registry(
    supakeep: Supakeep, around: Surroundings
) -> None:
    around.commands = [*around.commands, Command("pin", "Keep a backup for good.", pin)]

    assert supakeep("pin", "latest").out == "latest stays\n"


def test_each_command_is_the_file_of_its_name() -> None:
    folder = Path(supakeep.cli.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if "\ndef run(" in path.read_text()}

    assert files == {command.name.replace(" ", "_") for command in COMMANDS}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_help_of_each_command_shows_it_and_its_options(
    supakeep: Supakeep, capsys: pytest.CaptureFixture[str], command: Command
) -> None:
    assert supakeep(*command.name.split(), "--help").code == 0

    said = capsys.readouterr().out
    assert command.summary.endswith(".")
    assert command.summary in said
    assert command.examples
    assert all(f"\n    supakeep {example}\n" in said for example in command.examples)
    assert all(option in said for option in ("--json", "--config", "--progress", "--debug"))


def test_a_command_that_does_not_exist_is_answered_with_the_nearest_one(supakeep: Supakeep) -> None:
    ended = supakeep("restor", "latest")

    assert ended.code == 2
    assert ended.err == (
        "error: No such command 'restor'. Did you mean 'restore'?\nhint: supakeep --help\n"
    )


def test_an_option_that_does_not_exist_is_answered_with_the_nearest_one(supakeep: Supakeep) -> None:
    ended = supakeep("list", "--jsn")

    assert ended.code == 2
    assert "--json" in ended.err
    assert ended.err.endswith("hint: supakeep list --help\n")
