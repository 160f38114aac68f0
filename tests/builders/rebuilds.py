"""Rebuilds of backups in databases of a test's own."""

from __future__ import annotations

from supakeep.archive.reader import BackupReader
from supakeep.databases.postgres.rebuild.project import PostgresNewProject
from supakeep.domain.manifest import Manifest
from supakeep.domain.rebuild import RebuildReport, RebuildRequest
from supakeep.ports import ObjectStore
from supakeep.usecases.rebuild_project import RebuildProject
from tests.builders.postgres_project import PostgresProject
from tests.fakes.runs import InMemoryProgress
from tests.fakes.time import NeverExpires


def rebuild(
    new: PostgresProject, manifest: Manifest, store: ObjectStore, role: str = "postgres"
) -> RebuildReport:
    """Into an empty database, from one store."""
    place = PostgresNewProject(new.url(role), "new.example.com/postgres")
    reader = BackupReader(manifest, [store])
    return RebuildProject(place, reader, NeverExpires(), InMemoryProgress())(RebuildRequest())
