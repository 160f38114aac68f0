"""A Supabase database through its Data API: the `rest` engine.

Calls the functions of `databases/sql/functions`, which a migration installs and which hand rows
over as text; see docs/adr/0001-rest-engine-calls-database-functions.md for why not the table
endpoints.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from supakeep.databases.data_api.client import USUAL, DataApiClient, Retries
from supakeep.databases.data_api.export import DataApiSnapshot
from supakeep.databases.data_api.restore import BatchTransaction
from supakeep.databases.data_api.target import DataApiTarget
from supakeep.domain.engine import REST
from supakeep.domain.plan import TableFilter, every_table


class SupabaseRestDatabase:
    """SourceDatabase and TargetDatabase of one project. Arguments as of DataApiClient."""

    engine = REST

    def __init__(
        self, url: str, key: str, *, client: httpx.Client | None = None, retries: Retries = USUAL
    ) -> None:
        self._client = DataApiClient(url, key, client=client, retries=retries)

    @contextmanager
    def snapshot(self, selects: TableFilter = every_table) -> Iterator[DataApiSnapshot]:  # noqa: ARG002
        """Of no one moment: the Data API knows no snapshot over several requests."""
        yield DataApiSnapshot(self._client)

    @contextmanager
    def transaction(self, *, dry_run: bool) -> Iterator[BatchTransaction]:
        """Not atomic: the Data API commits each request."""
        yield BatchTransaction(DataApiTarget(self._client), dry_run=dry_run)
