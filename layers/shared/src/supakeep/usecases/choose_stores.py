"""Choose the stores that a question or a run is about."""

from __future__ import annotations

from supakeep.domain.copies import MIRROR, PRIMARY
from supakeep.errors import InvalidRequestError
from supakeep.ports import ObjectStore
from supakeep.usecases.project import Project


def every_store(project: Project) -> list[ObjectStore]:
    """Every store that holds backups of the project, the primary one first."""
    return [project.primary, *project.copies]


def stores_named(project: Project, name: str | None) -> list[ObjectStore]:
    """Only the store of this name (`primary`, or a copy's); every store for None.

    Raises InvalidRequestError where the project has no such store.
    """
    if name is None:
        return every_store(project)
    if name == PRIMARY:
        return [project.primary]
    named = [store for store in project.copies if store.name == name]
    if named:
        return named
    if name == MIRROR:
        raise _no_mirror(project)
    raise InvalidRequestError(
        f"There is no copy named {name!r}",
        operation="read settings",
        key=name,
        hint=f"There are: {', '.join([PRIMARY, *(store.name for store in project.copies)])}.",
    )


def _no_mirror(project: Project) -> InvalidRequestError:
    return InvalidRequestError(
        "No mirror is configured",
        operation="read settings",
        key="MIRROR_S3_BUCKET",
        hint="Set MIRROR_S3_BUCKET, or name the bucket: --from s3://bucket."
        if project.has_storage
        else "Without a Supabase URL, MIRROR_S3_BUCKET is the primary store: leave --from out.",
    )
