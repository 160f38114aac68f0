"""The backup that people write with supabase-py: pages by range(), everything into one dict, json.dumps.

Run as a program: `supabase_loop.py FILE TABLE…`, with SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY in
the environment.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from supabase import create_client

PAGE_ROWS = 1000


def main(file: Path, tables: list[str]) -> None:
    """Writes `{"table": [row, …], …}`."""
    client = create_client(os.environ["SUPABASE_URL"], os.environ["SUPABASE_SERVICE_ROLE_KEY"])
    backup: dict[str, list[Any]] = {}
    for table in tables:
        rows: list[Any] = []
        while True:
            last = len(rows) + PAGE_ROWS - 1
            page = client.table(table).select("*").range(len(rows), last).execute().data
            rows += page
            if len(page) < PAGE_ROWS:
                break
        backup[table] = rows
    file.write_text(json.dumps(backup))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
