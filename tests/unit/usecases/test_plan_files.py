"""Which backups take files, and where to."""

from __future__ import annotations

import pytest

from supakeep.domain.manifest import Trigger
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.run import Run, RunKind, RunStatus, new_run_id
from supakeep.domain.summary import BackupSummary
from supakeep.errors import ConfigurationError
from supakeep.ports import ObjectStore
from supakeep.usecases.run_backup import RunBackup
from tests.builders.backups import a_shop
from tests.builders.lambda_events import ServedProject, settings
from tests.fakes.object_store import InMemoryObjectStore
from tests.fakes.project_files import InMemoryProjectFiles
from tests.fakes.runs import InMemoryDispatcher
from tests.fakes.time import NOON, FixedClock


def a_project(files: str, *, mirror: ObjectStore | None = None) -> ServedProject:
    source = InMemoryProjectFiles()
    source.put("avatars", "one.png", b"a picture")
    return ServedProject(
        settings=settings(),
        database=a_shop(),
        primary=InMemoryObjectStore(),
        mirror=mirror,
        dispatcher=InMemoryDispatcher(),
        clock=FixedClock(),
        policy=BackupPolicy.parse(f'[backup]\ntables = "*"\n{files}'),
        files=source,
    )


def back_up(project: ServedProject, folder: ObjectStore | None = None) -> BackupSummary:
    run = Run(id=new_run_id(NOON), kind=RunKind.BACKUP, trigger=Trigger.CLI, requested_at=NOON)
    ended = RunBackup(project)(run, folder=folder)
    assert isinstance(ended.result, BackupSummary)
    assert (ended.status is RunStatus.COMPLETE) == ended.result.is_whole
    return ended.result


def has_files(store: InMemoryObjectStore) -> bool:
    return any(key.startswith("files/") for key in store.objects)


def test_without_the_setting_no_file_is_looked_at() -> None:
    mirror = InMemoryObjectStore("mirror")

    summary = back_up(a_project("", mirror=mirror))

    assert summary.files is None
    assert not has_files(mirror)
    assert summary.is_whole


def test_files_go_to_the_copies_and_never_into_the_projects_own_storage() -> None:
    mirror = InMemoryObjectStore("mirror")
    project = a_project('[backup.files]\nbuckets = "*"', mirror=mirror)

    summary = back_up(project)

    assert has_files(mirror)
    assert not has_files(project.primary)  # type: ignore[arg-type]
    assert summary.files is not None
    assert (summary.files.files, summary.files.copies) == (1, ("mirror",))
    assert any(key.endswith(".files.ndjson") for key in summary.objects)


def test_files_go_into_the_folder_that_a_backup_goes_to() -> None:
    folder, mirror = InMemoryObjectStore("folder"), InMemoryObjectStore("mirror")

    back_up(a_project('[backup.files]\nbuckets = "*"', mirror=mirror), folder)

    assert has_files(folder)
    assert not has_files(mirror)


def test_only_the_copies_that_are_named_get_files() -> None:
    mirror, offsite = InMemoryObjectStore("mirror"), InMemoryObjectStore("offsite")
    project = a_project('[backup.files]\nbuckets = "*"\ncopies = "offsite"', mirror=mirror)
    project.further_copies = [offsite]

    summary = back_up(project)

    assert summary.is_whole
    assert has_files(offsite)
    assert not has_files(mirror)


@pytest.mark.parametrize(
    ("more", "has_mirror", "has_url", "problem"),
    [
        ("", False, True, "there is no copy outside the project"),
        ('copies = "offsite"', True, True, "there is no copy named offsite"),
        ("", True, False, "Storage is reached through the project's URL"),
    ],
    ids=["no copy", "unknown copy", "only the database"],
)
def test_what_keeps_files_from_being_taken_is_told_and_the_rows_are_backed_up(
    more: str, problem: str, *, has_mirror: bool, has_url: bool
) -> None:
    mirror = InMemoryObjectStore("mirror") if has_mirror else None
    project = a_project(f'[backup.files]\nbuckets = "*"\n{more}', mirror=mirror)
    project.files = project.files if has_url else None

    summary = back_up(project)

    [found] = summary.problems
    assert problem in found.message
    assert found.hint
    assert summary.is_good
    assert not summary.is_whole


def test_a_key_of_the_entry_that_is_unknown_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"backup\.files\.bucket is not a key"):
        a_project('[backup.files]\nbucket = "*"')
