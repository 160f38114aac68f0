"""What it takes to add a command: one file with a Command, and its line in the registry."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

import supakeep.cli
from supakeep.cli.command import GOOD, Command
from supakeep.cli.commands import COMMANDS
from supakeep.cli.options import add_name
from supakeep.cli.session import Session
from tests.unit.cli.conftest import Supakeep, Surroundings


def pin(session: Session) -> int:
    session.terminal.line(f"{session.arguments.name} stays")
    return GOOD


def test_a_new_command_is_one_line_in_the_registry(
    supakeep: Supakeep, around: Surroundings
) -> None:
    around.commands = [*around.commands, Command("pin", "Keep a backup for good.", add_name, pin)]

    assert supakeep("pin", "latest").out == "latest stays\n"


def test_each_command_is_the_file_of_its_name() -> None:
    folder = Path(supakeep.cli.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if "COMMAND = " in path.read_text()}

    assert files == {command.name for command in COMMANDS}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_each_command_describes_itself_and_its_options(command: Command) -> None:
    parser = argparse.ArgumentParser(prog=command.name)

    command.options(parser)

    assert command.summary.endswith(".")
    assert [action.dest for action in parser._actions if not action.help] == []
