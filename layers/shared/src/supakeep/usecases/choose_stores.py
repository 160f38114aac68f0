"""Choose the stores that a question or a run is about."""

from __future__ import annotations

from supakeep.errors import InvalidRequestError
from supakeep.ports import ObjectStore
from supakeep.usecases.project import Project


def every_store(project: Project) -> list[ObjectStore]:
    """Every store that holds backups of the project, the primary one first."""
    return [project.primary, *([project.mirror] if project.mirror is not None else [])]


def stores_named(project: Project, name: str | None) -> list[ObjectStore]:
    """Only the store of this name (`primary`, `mirror`); every store for None.

    Raises InvalidRequestError where the project has no such store.
    """
    if name is None:
        return every_store(project)
    if name != "mirror":
        return [project.primary]
    if project.mirror is not None:
        return [project.mirror]
    raise InvalidRequestError(
        "No mirror is configured",
        operation="read settings",
        key="MIRROR_S3_BUCKET",
        hint="Set MIRROR_S3_BUCKET, or name the bucket: --from s3://bucket."
        if project.has_storage
        else "Without a Supabase URL, MIRROR_S3_BUCKET is the primary store: leave --from out.",
    )
