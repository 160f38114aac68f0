"""What `supakeep rebuild` prints at its end."""

from __future__ import annotations

import io
from unittest.mock import Mock

from supakeep.cli.rebuild_report import print_rebuild
from supakeep.cli.terminal import Terminal
from supakeep.domain.rebuild import BY_HAND, NotRebuilt, RebuildReport
from supakeep.domain.restore import RestoredTable
from supakeep.domain.restored_files import RestoredFiles


def test_it_says_what_came_back_what_did_not_and_what_is_left_to_do() -> None:
    out = io.StringIO()
    report = RebuildReport(
        backup="backup_abc_2026-11-26",
        into="new.example.com/postgres",
        resumed=True,
        definitions={"index": 1, "table": 1200},
        already_there=("publication supabase_realtime",),
        tables=(RestoredTable(name="public.t", rows_in_backup=5, inserted=5, rows_in_database=6),),
        files=RestoredFiles(in_backup=3, missing=2, refused=1, bytes=31, buckets=("a", "b")),
        not_rebuilt=(NotRebuilt(what="extension postgis", why="it is gone", hint="Enable it."),),
        by_hand=BY_HAND,
        warnings=("a warning",),
    )

    print_rebuild(Terminal(out, Mock()), report)

    lines = out.getvalue().splitlines()
    assert lines[:8] == [
        "backup_abc_2026-11-26, rebuilt in new.example.com/postgres, which an earlier run had begun",
        "  definitions: 1 index, 1,200 table",
        "  there already: publication supabase_realtime",
        "  public.t: 5 of 5 rows written, 6 there now",
        "  files: 1 of 3 written (31 bytes in all), 2 buckets made",
        "! a warning",
        "! Not rebuilt: extension postgis: it is gone (Enable it.)",
        "What no backup holds, to be done by hand:",
    ]
    assert len(lines) == 8 + len(BY_HAND)
    assert any("supabase functions deploy" in line for line in lines)
