"""The command line as a person sees it: in a pseudo-terminal of 80 and of 120 columns."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from devstack.supabase.postgres import Postgres

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

_CODE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
REF = "terminal"


@dataclass(frozen=True)
class Shown:
    """What a command wrote to its terminal, and how it ended."""

    code: int
    raw: str

    @property
    def text(self) -> str:
        return _CODE.sub("", self.raw).replace("\r\n", "\n")

    @property
    def lines(self) -> list[str]:
        """As they stand at the end: what is drawn anew begins at the start of its line."""
        return [line.rsplit("\r", 1)[-1].rstrip() for line in self.text.split("\n")]


@dataclass(frozen=True)
class Person:
    """Somebody at a terminal of so many columns."""

    columns: int
    folder: Path
    environment: Mapping[str, str]

    def types(self, *arguments: str, answer: str = "", **variables: str) -> Shown:
        """Runs `supakeep`, and types the answer to what it asks."""
        controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, self.columns, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-m", "supakeep", *arguments],
            stdin=terminal, stdout=terminal, stderr=terminal, cwd=self.folder,
            env={**self.environment, **variables}, start_new_session=True,
        )  # fmt: skip
        os.close(terminal)
        if answer:
            os.write(controller, f"{answer}\n".encode())
        raw = _everything(controller)
        return Shown(process.wait(), raw)


def _everything(controller: int) -> str:
    pieces = []
    while True:
        try:
            piece = os.read(controller, 65536)
        except OSError:
            # Linux ends a terminal that nobody holds with an error
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(controller)
    return b"".join(pieces).decode()


@pytest.fixture(params=[80, 120])
def person(request: pytest.FixtureRequest, postgres: Postgres, tmp_path: Path) -> Person:
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("drop table if exists parcels")
        connection.execute("create table parcels (id int primary key, weight numeric, note text)")
        connection.execute(
            "insert into parcels select n, n / 4.0, repeat('x', 100) from generate_series(1, 20000) n"
        )
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    settings = {"SUPABASE_DB_URL": postgres.url(), "SUPABASE_PROJECT_REF": REF, "TERM": "xterm"}
    return Person(request.param, tmp_path, {**kept, **settings})


@pytest.fixture
def destination(postgres: Postgres) -> str:
    return f"127.0.0.1:{postgres.port}/postgres"


def test_a_backup_shows_its_progress_and_ends_with_a_coloured_report(person: Person) -> None:
    shown = person.types("backup", "--to", "copies")

    assert shown.code == 0, shown.text
    assert "20,000 rows  complete" in shown.text
    assert _COLOUR.search(shown.raw)
    # the cursor that the bars hid is back
    assert shown.raw.count("\x1b[?25l") == shown.raw.count("\x1b[?25h") > 0
    assert max(map(len, shown.lines)) <= person.columns


def test_lists_and_reports_fit_the_width(person: Person) -> None:
    person.types("backup", "--to", "copies")

    for command in (("list",), ("show", "latest"), ("verify", "latest")):
        shown = person.types(*command, "--from", "copies")
        assert shown.code == 0, shown.text
        assert max(map(len, shown.lines)) <= person.columns, shown.text


def test_a_restore_asks_for_the_destination_and_writes_when_it_is_typed(
    person: Person, destination: str, postgres: Postgres
) -> None:
    person.types("backup", "--to", "copies")
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("delete from parcels where id > 19990")

    refused = person.types("restore", "latest", "--from", "copies", answer="another")
    restored = person.types("restore", "latest", "--from", "copies", answer=destination)

    assert refused.code == 1
    assert f"Type {destination} to go on:" in " ".join(refused.text.split())
    assert restored.code == 0, restored.text
    assert "10" in restored.text
    assert "Undo with: supakeep undo " in restored.text


def test_the_rows_of_a_diff_are_indented_below_their_key(
    person: Person, postgres: Postgres
) -> None:
    person.types("backup", "--to", "copies")
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("update parcels set note = repeat('new note ', 20) where id = 7")

    shown = person.types("diff", "latest", "--from", "copies", "--rows")

    assert shown.code == 0, shown.text
    first = shown.lines.index("~ id=7") + 1
    changed = [line for line in shown.lines[first:] if line]
    assert len(changed) > 2
    assert all(line.startswith("    ") for line in changed)
    assert max(map(len, shown.lines)) <= person.columns


def test_an_error_leaves_no_bar_and_no_hidden_cursor(person: Person) -> None:
    shown = person.types("restore", "backup_none_2020-01-01", "--from", "copies", "--dry-run")

    assert shown.code == 1
    assert shown.raw.count("\x1b[?25l") == shown.raw.count("\x1b[?25h")
    assert "error: " in shown.text
    assert "hint: " in shown.text


@pytest.mark.parametrize("setting", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_is_written_where_none_is_wanted(person: Person, setting: dict[str, str]) -> None:
    shown = person.types("backup", "--to", "copies", **setting)

    assert shown.code == 0, shown.text
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", shown.raw)
    if "TERM" in setting:
        assert "\x1b" not in shown.raw
