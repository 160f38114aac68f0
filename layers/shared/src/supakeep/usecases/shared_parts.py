"""Keep thousands of manifests in little memory: what they have in common is kept once."""

from __future__ import annotations

from supakeep.domain.manifest import Manifest
from supakeep.domain.policy import TablePolicy
from supakeep.domain.schema import Column


class SharedParts:
    """The columns and the policies of tables, which hardly ever change from one backup to the next. They
    are most of a manifest.
    """

    def __init__(self) -> None:
        self._columns: dict[tuple[Column, ...], tuple[Column, ...]] = {}
        self._policies: dict[TablePolicy, TablePolicy] = {}

    def of(self, manifest: Manifest) -> Manifest:
        """An equal manifest, whose parts are those of the ones before where they are equal."""
        tables = tuple(
            table.model_copy(
                update={
                    "columns": self._columns.setdefault(table.columns, table.columns),
                    "policy": self._policies.setdefault(table.policy, table.policy),
                }
            )
            for table in manifest.tables
        )
        return manifest.model_copy(update={"tables": tables})
